"""Shows the state of files in Pail folders as emblems in GNOME Files (Nautilus).

Install: pail integrate nautilus --install, then: nautilus -q
Needs:   the package python3-nautilus (Fedora: nautilus-python).

Reads the attribute user.pail.badge, which a Pail folder answers without asking the network. Files
elsewhere are not touched: a folder counts as Pail's when the table of mounts says so.
"""

import os
from urllib.parse import unquote, urlparse

MOUNT_TYPE = "fuse.pail"
ATTRIBUTE = "user.pail.badge"

# Names of the freedesktop.org icon naming specification, and of Adwaita where that has none.
EMBLEMS = {
    "failed": "emblem-important",
    "conflict": "emblem-important",
    "uploading": "emblem-synchronizing",
    "downloading": "emblem-downloads",
    "waiting": "emblem-synchronizing",
    "archived": "emblem-package",
    "pinned": "emblem-favorite",
    "local": "emblem-default",
    "partial": "emblem-shared",
    "cloud": "emblem-web",
    "none": None,
}


def emblem_of(badge):
    """The emblem of a badge; None for what has none, or is not known here."""
    return EMBLEMS.get(badge)


def pail_folders(mountinfo):
    """The folders that Pail mounted, from the text of /proc/self/mountinfo."""
    folders = []
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split(" ")
        if len(fields) > 4 and after.split(" ")[0] == MOUNT_TYPE:
            folders.append(_plain(fields[4]))
    return folders


def _plain(text):
    for octal, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(octal, character)
    return text


def path_of(uri):
    """The local path of a file: URI; None for every other."""
    parsed = urlparse(uri)
    return unquote(parsed.path) if parsed.scheme == "file" else None


def is_below(path, folders):
    return any(path == folder or path.startswith(folder + "/") for folder in folders)


def badge_of(path):
    """What the folder says of the file; None when it says nothing."""
    try:
        return os.getxattr(path, ATTRIBUTE).decode("utf-8")
    except OSError:
        return None


try:
    from gi.repository import GObject, Nautilus
except ImportError:
    # Without Nautilus there is nothing to extend: the functions above can still be used.
    pass
else:

    class PailEmblems(GObject.GObject, Nautilus.InfoProvider):
        def update_file_info(self, file):
            path = path_of(file.get_uri())
            if path is None:
                return
            with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as table:
                folders = pail_folders(table.read())
            if not is_below(path, folders):
                return
            emblem = emblem_of(badge_of(path))
            if emblem is not None:
                file.add_emblem(emblem)
