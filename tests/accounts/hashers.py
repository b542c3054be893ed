"""A hasher that notices when it is asked inside a transaction, where its slowness would hold up every other writer."""

from django.contrib.auth.hashers import MD5PasswordHasher
from django.db import connection


class OutsideTransactions(MD5PasswordHasher):
    algorithm = "outside"

    def encode(self, password: str, salt: str) -> str:
        assert not connection.in_atomic_block, "a password was hashed inside a transaction"
        return super().encode(password, salt)
