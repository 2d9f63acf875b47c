#!/usr/bin/env python3
"""translator translate on a terminal: converse_test.py TRANSLATOR talks to it through a pseudo-terminal."""
import os
import pty
import select
import sys
import time


def main():
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.argv[1], [sys.argv[1], "translate", "-r", "en-fr-additive"])
    said = ""

    def until(text, seconds=60):
        nonlocal said
        end = time.time() + seconds
        while text not in said:
            if not select.select([terminal], [], [], max(0, end - time.time()))[0]:
                raise SystemExit(f"it does not say {text!r} but {said!r}")
            try:
                said += os.read(terminal, 4096).decode()
            except OSError:
                raise SystemExit(f"it ends and does not say {text!r} but {said!r}")
        got, said = said.split(text, 1)
        return got

    def tell(line, answer, prompt="en-fr-additive> "):
        os.write(terminal, (line + "\n").encode())
        if answer:
            until(answer)
        until(prompt)

    until("en-fr-additive> ")
    tell(":map", "there is no translation yet")
    tell("I am a student.", "Je suis")
    tell(":map", "\u2588")
    tell(":score Je suis un homme.", "Je suis un homme.")
    tell(":beam none", ":beam wants a number from 1 to 100")
    tell(":beam 3", "")
    tell(":best 2", "")
    tell("It rains.", "-")
    tell(":nothing", ":nothing is not known")
    tell(":model no-such-run", "no-such-run")
    tell(":model en-de", "", "en-de> ")
    tell(":help", ":score TRANSLATION", "en-de> ")
    tell("I am a student.", "Student", "en-de> ")
    os.write(terminal, b":quit\n")
    status = os.waitpid(pid, 0)[1]
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"it ends with {status}")
    print("it answers and goes on")


if __name__ == "__main__":
    main()
