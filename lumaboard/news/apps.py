from django.apps import AppConfig


class NewsConfig(AppConfig):
    name = "lumaboard.news"
    label = "news"
