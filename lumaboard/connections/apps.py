from django.apps import AppConfig


class ConnectionsConfig(AppConfig):
    name = "lumaboard.connections"
    label = "connections"
