"""Things that Django does not have, for questions whose right answer is a refusal. All of them are made up.

Near misses are wanted: a real prefix with an unused number, a real command with a wrong option. subjects.py checks that
no name occurs anywhere in the corpus and that no description fits a real record.
"""

from .names import names

CHECKS = names(
    """
    admin.E044 admin.E077 admin.E191 admin.E140 admin.E231 admin.W004 admin.W310 auth.E017 auth.W012 auth.C003
    async.E004 async.W002 caches.E009 caches.E014 caches.W011 commands.E007 contenttypes.E012 contenttypes.W001
    fields.E014 fields.E039 fields.E155 fields.E233 fields.E364 fields.E777 fields.W166 fields.W349 fields.W912
    files.E004 files.W002 models.E055 models.E061 models.W026 models.W058 mysql.E008 postgres.E011 security.E031
    security.W034 security.W041 sessions.E001 signals.E005 sites.E107 sqlite.W003 staticfiles.E009
    staticfiles.W013 templates.E010 templates.W012 translation.E009 urls.E015 urls.W018
    """
)

CHECKS_DESCRIBED = (
    "a model class is longer than five hundred lines",
    "two apps use the same verbose name",
    "the admin page has no favicon configured",
    "a password field is stored as a plain CharField",
    "the template folder is writable by everyone",
    "a signal receiver takes longer than a second",
    "an email address in ADMINS has no valid top-level domain",
    "the time zone differs from the operating system's",
    "a migration file has not been committed to version control",
    "a view function has no docstring",
    "the project folder contains spaces",
    "a slug field allows capital letters",
    "the cache server's clock runs ahead",
    "a model's string method returns an empty text",
    "more than one superuser is active",
    "the log file grows beyond a gigabyte",
    "a queryset is evaluated while the module is imported",
    "the translation file is older than the template",
)

SETTINGS = names(
    """
    CSRF_COOKIE_COLOR CSRF_TOKEN_LENGTH CSRF_HEADER_PREFIX SESSION_COOKIE_REGION SESSION_MAX_PER_USER
    SESSION_COMPRESSION EMAIL_RETRY_COUNT EMAIL_RATE_LIMIT EMAIL_DKIM_KEY EMAIL_USE_OAUTH CACHE_MIDDLEWARE_VARY
    CACHE_COMPRESSION_LEVEL DATABASE_POOL_SIZE DATABASE_READ_ONLY CONN_RETRY_DELAY TEMPLATE_CACHE_SECONDS
    SECURE_COOKIE_PREFIX SECURE_HSTS_REPORT_ONLY SECURE_TLS_MINIMUM LOGIN_MAX_ATTEMPTS LOGIN_LOCKOUT_SECONDS
    LOGOUT_CONFIRMATION PASSWORD_MIN_ENTROPY PASSWORD_HISTORY_SIZE STATICFILES_COMPRESSION STATIC_CDN_HOST
    MEDIA_QUOTA_BYTES FILE_UPLOAD_SCANNER DATA_UPLOAD_MAX_HEADERS LANGUAGE_COOKIE_ENCRYPTED LANGUAGE_FALLBACKS
    TIME_ZONE_FALLBACK USE_LEAP_SECONDS DATE_SEPARATOR ADMIN_SITE_THEME ADMIN_URL_PREFIX TEST_PARALLEL_WORKERS
    TEST_RETRY_FAILED MIGRATION_LOCK_TIMEOUT LOGGING_SAMPLE_RATE MESSAGE_EXPIRY_SECONDS SITE_DISPLAY_NAME
    WSGI_THREAD_COUNT X_FRAME_REPORT_URI ALLOWED_PORTS APPEND_SLASH_METHODS SIGNING_KEY_ROTATION
    URL_CASE_SENSITIVE FORM_MAX_ERRORS FIXTURE_ENCODING PREPEND_HTTPS DISALLOWED_HOSTS
    """
)

# Noun phrases; the question says "which setting holds the ...".
SETTINGS_DESCRIBED = (
    "number of failed logins before an account is locked",
    "colour scheme of the admin site",
    "number of worker processes the development server starts",
    "phone number shown on the error page",
    "maximum number of rows a queryset may return",
    "list of countries whose visitors are blocked",
    "minimum screen width for the admin's mobile layout",
    "number of days until an unused account is deleted",
    "path to the favicon of every page",
    "list of browsers that are refused for being outdated",
    "number of times a failed email is sent again",
    "certificate used by the development server for HTTPS",
    "maximum length of a model's name",
    "address of the message broker for background tasks",
    "number of backups kept of the database",
    "currency in which prices are displayed",
    "secret used for signing JSON web tokens",
    "percentage of requests that are written to the log",
)

FILTERS = names(
    """
    capwords addspaces linebreaksul truncatelines truncatesentences wordreverse urlshorten datesince dictgroup
    dictfilter default_if_empty intdot introman naturalhour phone2alpha escapecss escapesql make_dict randomint
    striplinks uppercasefirst zeropad yesnomaybe force_safe rcut currencyformat initialsof md5digest
    camelcase_to_words sumlist
    """
)

TAGS = names(
    """
    lastof cacheblock switchcase forelse includeif now_utc csrf_meta load_all spacemore withall whileloop
    printvars regroup_by uncomment get_current_user get_user_language repeatblock ifnotchanged autolink
    breadcrumb_trail
    """
)

# Verb and the rest of the sentence.
BUILTINS_DESCRIBED = (
    ("translate", "a text into another language by machine"),
    ("draw", "a line chart of a list of numbers"),
    ("encrypt", "a value with the visitor's password"),
    ("convert", "an amount of money into another currency"),
    ("shrink", "an uploaded picture to a thumbnail"),
    ("render", "Markdown as HTML headings and paragraphs"),
    ("mask", "all digits of a credit card but the last four"),
    ("correct", "spelling mistakes in a paragraph"),
    ("show", "the weather at the visitor's place"),
    ("play", "a sound when the page is opened"),
    ("write", "a number in Roman numerals"),
    ("turn", "a spreadsheet into a table"),
    ("blink", "a warning until it is clicked"),
    ("guess", "the gender of a first name"),
    ("shorten", "a link with an external service"),
    ("embed", "a video from its address"),
    ("compute", "the distance between two cities"),
    ("print", "a QR code for an address"),
)

OPTIONS = """
migrate --backup|migrate --rollback-all|migrate --confirm-each|runserver --https|runserver --workers|test --retry-failed
runserver --open-browser|test --only-changed|test --coverage|test --max-seconds|dumpdata --anonymize|dumpdata --compress
dumpdata --limit-rows|loaddata --skip-existing|loaddata --truncate-first|makemigrations --squash-all|shell --notebook
makemigrations --author|makemigrations --ask-names|collectstatic --minify|collectstatic --gzip-copies|check --autofix
check --as-json|check --severity|shell --history-file|createsuperuser --generate-password|createsuperuser --expires
makemessages --machine-translate|compilemessages --strict-mode|sqlmigrate --pretty-print|flush --keep-users
inspectdb --as-dataclasses|inspectdb --guess-relations|showmigrations --graph|squashmigrations --delete-old
startapp --with-tests|startproject --minimal|diffsettings --as-yaml|dbshell --read-only|testserver --persist
sendtestemail --bcc|changepassword --expire-sessions|clearsessions --older-than|optimizemigration --report
createcachetable --engine|ogrinspect --geojson-out|findstatic --show-hash|remove_stale_contenttypes --archive
"""

OPTIONS_DESCRIBED = (
    ("migrate", "send", "an email when the last migration is done"),
    ("migrate", "undo", "everything of the past hour"),
    ("runserver", "record", "all requests to a file for replay"),
    ("runserver", "limit", "the bandwidth of every visitor"),
    ("test", "measure", "which lines of code were covered"),
    ("test", "repeat", "every failed case three times"),
    ("dumpdata", "replace", "all names by invented ones"),
    ("dumpdata", "encrypt", "the file with a password"),
    ("loaddata", "download", "the fixtures from a web address"),
    ("makemigrations", "guess", "a name with the help of a language model"),
    ("makemessages", "translate", "the missing strings automatically"),
    ("collectstatic", "upload", "everything to an FTP server"),
    ("check", "repair", "the problems it finds"),
    ("shell", "open", "a notebook in the browser"),
    ("createsuperuser", "print", "a random password on the screen"),
    ("startapp", "add", "a Dockerfile to the new folder"),
    ("flush", "keep", "the rows of the newest month"),
    ("inspectdb", "write", "an admin class for every table"),
)


def options() -> list[tuple[str, str]]:
    """The invented (command, flag) pairs."""
    pairs = OPTIONS.replace("\n", "|").split("|")
    return [(command, flag) for command, flag in (pair.split() for pair in pairs if pair.strip())]
