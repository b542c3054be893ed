from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "lumaboard.accounts"
    label = "accounts"

    def ready(self) -> None:
        from lumaboard.accounts.second_factors import note_changes  # its models are there only now

        note_changes()
