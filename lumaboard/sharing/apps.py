from django.apps import AppConfig


class SharingConfig(AppConfig):
    name = "lumaboard.sharing"
    label = "sharing"
