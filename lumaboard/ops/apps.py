from django.apps import AppConfig


class OpsConfig(AppConfig):
    name = "lumaboard.ops"
    label = "ops"

    def ready(self) -> None:
        from lumaboard.ops import checks  # noqa: F401  (registers the checks)
