from django.apps import AppConfig


class SubmissionConfig(AppConfig):
    name = "lumaboard.submission"
    label = "submission"
