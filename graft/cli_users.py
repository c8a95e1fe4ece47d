"""Commands for the list of users: add, list, role, password, remove. Passwords are asked for, or read from stdin."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from core.roles import Role
from graft.cli_serve import AsJson
from graft.console import Console

File = Annotated[
    Path | None, typer.Option("--file", help="The list (default: auth_file, else users.txt in the workspace).")
]
Name = Annotated[str, typer.Argument(help="Name of the user.")]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from stdin, its first line, instead of asking.")
]
users = typer.Typer(help="Who may log in: add, list, role, password, remove.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.add_typer(users, name="users")


@users.command()
def add(
    context: typer.Context,
    name: Name,
    role: Annotated[
        Role,
        typer.Option(help="chat: ask; curate: also documents, examples and corrections; admin: everything."),
    ] = Role.CHAT,
    password_stdin: FromStdin = False,
    file: File = None,
) -> None:
    """Add a user. The first one has to be an admin. A running Graft lets them in at once."""
    from core.users import add_user

    console: Console = context.obj
    path = _path(console, file)
    add_user(path, name, role, _password(from_stdin=password_stdin))
    console.say(f"'{name}' may log in, as {role}")
    held = [key.name for key in _keys(console) if key.owner == name]
    if held:
        console.say(f"keys that act as '{name}' from now on: {', '.join(held)}")
    if console.settings().auth_file is None:
        console.say(f"logins are asked for once GRAFT_AUTH_FILE={path} is set")


@users.command(name="list")
def list_(context: typer.Context, file: File = None, as_json: AsJson = False) -> None:
    """List who may log in, with roles and API keys."""
    from core.users import read_users

    console: Console = context.obj
    found = read_users(_path(console, file))
    keys = {user.name: [key.name for key in _keys(console) if key.owner == user.name] for user in found}
    if as_json:
        console.emit(
            {"users": [{"name": one.name, "role": one.role, "id": one.id, "keys": keys[one.name]} for one in found]}
        )
        return
    for user in found:
        held = f"keys: {', '.join(keys[user.name])}" if keys[user.name] else ""
        print("  ".join(part for part in (user.name, user.role, held) if part))


@users.command()
def role(context: typer.Context, name: Name, role: Role, file: File = None) -> None:
    """Give a user another role, from their next click on."""
    from core.users import set_role

    console: Console = context.obj
    set_role(_path(console, file), name, role)
    console.say(f"'{name}' is {role} now")


@users.command()
def password(context: typer.Context, name: Name, password_stdin: FromStdin = False, file: File = None) -> None:
    """Give a user another password. Their sessions end."""
    from core.users import set_password

    console: Console = context.obj
    set_password(_path(console, file), name, _password(from_stdin=password_stdin))
    console.say(f"'{name}' has another password, and is logged out everywhere")


@users.command()
def remove(
    context: typer.Context,
    name: Name,
    delete_data: Annotated[
        bool, typer.Option("--delete-data", help="Delete their conversations, uploads, ratings and votes as well.")
    ] = False,
    file: File = None,
) -> None:
    """Remove a user, with their API keys. A running Graft refuses them at once."""
    from core.users import remove_user
    from core.workspace import Workspace
    from graft.user_desk import forget_user
    from serve.api_keys import remove_keys_of

    console: Console = context.obj
    gone = remove_user(_path(console, file), name)
    keys = remove_keys_of(_keys_path(console), name)
    console.say(f"'{name}' is removed" + (f", with the keys {', '.join(keys)}" if keys else ""))
    if delete_data:
        forget_user(Workspace.open(console.settings().workspace), gone.id)
        console.say("what they left behind is deleted")


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)


def _path(console: Console, file: Path | None) -> Path:
    settings = console.settings()
    return (file or settings.auth_file or settings.workspace / "users.txt").expanduser().absolute()


def _keys_path(console: Console) -> Path:
    from graft.cli_keys import keys_path

    return keys_path(console, None)


def _keys(console: Console) -> list:
    from serve.api_keys import read_keys

    path = _keys_path(console)
    return read_keys(path) if path.exists() else []
