"""No process of ours outlives the one that started it, however that one ends."""

import multiprocessing
import os
import threading


def end_with_parent() -> None:
    """End this process as soon as its parent is gone, even while a component hangs in it.

    A shard that is killed cannot end its own workers, and a worker that hangs never looks at its
    pipe; so each child watches its parent itself.
    """
    parent = multiprocessing.parent_process()
    if parent is None:  # not a child
        return

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, name="treewright-watch-parent", daemon=True).start()
