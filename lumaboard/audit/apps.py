from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "lumaboard.audit"
    label = "audit"
