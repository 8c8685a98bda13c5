"""The process that reads mails for a `Reader`: `python -m integrations.mailbox.reader`."""

from __future__ import annotations

from integrations.mailbox.reader.child import main

if __name__ == "__main__":
    main()
