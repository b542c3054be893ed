from django.apps import AppConfig


class PastConfig(AppConfig):
    name = "lumaboard.past"
    label = "past"
