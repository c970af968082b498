"""Runs the real AWS CLI (v1) on many cases, fast: everything is imported once, and each case is a fork.

Reads one JSON case a line ({"arguments", "environment", "folder", "terminal"}) and answers each with one line
({"status", "stdout", "stderr"}), in the same order. Where `terminal` has rows and columns, standard output is one of that
size. Where there is a `program`, it is run in place of the AWS CLI: so that both of them get the same terminal.
"""

import atexit
import fcntl
import io
import json
import os
import random
import struct
import sys
import tempfile
import termios
import traceback

import awscli.clidriver
import botocore.client  # noqa: F401  (what the driver imports late, imported early)
import botocore.endpoint  # noqa: F401
import botocore.handlers  # noqa: F401
import botocore.httpsession  # noqa: F401
import botocore.loaders
import botocore.retries.standard  # noqa: F401
import botocore.signers  # noqa: F401
import urllib3.contrib  # noqa: F401
from awscli.customizations import globalargs  # noqa: F401

# The CLI puts its own models on this path when it is imported, which a case's environment must not undo.
DATA_PATH = os.environ["AWS_DATA_PATH"]


def remembered(function):
    """What is read from the CLI's own folders does not change from case to case."""
    known = {}

    def wrapper(self, *arguments, **named):
        key = (arguments, tuple(named.items()))
        if key not in known:
            known[key] = function(self, *arguments, **named)
        return known[key]

    return wrapper


Loader = botocore.loaders.Loader
for name in ("list_available_services", "list_api_versions", "determine_latest_version"):
    setattr(Loader, name, remembered(getattr(Loader, name)))
JSONFileLoader = botocore.loaders.JSONFileLoader
JSONFileLoader._load_file = remembered(JSONFileLoader._load_file)


def run(case, streams):
    os.environ.clear()
    os.environ.update(case["environment"], AWS_DATA_PATH=DATA_PATH)
    os.chdir(case["folder"])
    if streams:
        # In place of the process's own, so that the CLI sees files, as in a script.
        for number, stream in zip((1, 2), streams):
            os.dup2(stream, number)
        if "program" in case:
            os.execve(case["program"], ["tokenvend", *case["arguments"]], case["environment"])
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)
    else:
        sys.stdout = io.StringIO()
    random.random = lambda: 0.0  # no pauses between attempts
    sys.argv = ["aws", *case["arguments"]]
    try:
        status = awscli.clidriver.main()
    except SystemExit as end:
        status = end.code
    if not streams:
        sys.stdout = sys.__stdout__
        return
    sys.stdout.flush()
    sys.stderr.flush()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    os._exit(status or 0)


# Once before all cases, so that what is loaded late is loaded early.
run(
    {
        "arguments": "cognito-identity get-open-id-token-for-developer-identity --generate-cli-skeleton output "
        "--region us-east-1 --identity-pool-id x --logins a=b".split(),
        "environment": {"HOME": os.environ["HOME"]},
        "folder": "/",
    },
    None,
)


def everything(master):
    """What a program writes to a terminal, until it has closed it."""
    parts = []
    while True:
        try:
            parts.append(os.read(master, 65536))
        except OSError:
            parts.append(b"")
        if not parts[-1]:
            return b"".join(parts)


for line in sys.stdin:
    case = json.loads(line)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        master, slave = os.openpty() if case["terminal"] else (None, out.fileno())
        if master:
            fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", *case["terminal"], 0, 0))
        child = os.fork()
        if child == 0:
            try:
                run(case, (slave, err.fileno()))
            except BaseException:
                traceback.print_exc()
                sys.stderr.flush()
            finally:
                os._exit(1)  # as Python itself does
        if master:
            os.close(slave)
            out.write(everything(master))
            os.close(master)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        out.seek(0)
        err.seek(0)
        answer = {"status": status, "stdout": out.read().decode(), "stderr": err.read().decode()}
    print(json.dumps(answer), flush=True)
