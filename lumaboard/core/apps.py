from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "lumaboard.core"
    label = "core"
