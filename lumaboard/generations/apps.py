from django.apps import AppConfig


class GenerationsConfig(AppConfig):
    name = "lumaboard.generations"
    label = "generations"
