"""The project's settings for tests: throw-away data, fast passwords, plain static files.

SQLite by default; LUMABOARD_DATABASE_URL and LUMABOARD_REDIS_URL point the same suite at PostgreSQL and Redis.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

if "PYTEST_XDIST_WORKER" not in os.environ:  # workers share the folder of the process that started them
    # A folder of its own for each run: a file left by an earlier one (SQLite's -wal, say) would break this one.
    os.environ["LUMABOARD_DATA_DIR"] = tempfile.mkdtemp(prefix="lumaboard-tests-")
    atexit.register(shutil.rmtree, os.environ["LUMABOARD_DATA_DIR"], ignore_errors=True)
_data = Path(os.environ["LUMABOARD_DATA_DIR"])
(_data / "static").mkdir(exist_ok=True)

from lumaboard.settings import *  # noqa: E402, F403
from lumaboard.settings import DATABASES, IS_SQLITE  # noqa: E402

if IS_SQLITE:
    # A file, not memory: an in-memory database answers "table is locked" to the parallel requests of a real browser.
    DATABASES["default"]["TEST"] = {"NAME": str(_data / "test.sqlite3")}
    DATABASES["default"]["OPTIONS"]["init_command"] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
