"""Users of the engine: the receiver may only append, followers may only read. Commands for redis-cli."""

_RECEIVER = "+ping +hello +xadd +info +time"
_FOLLOWER = "+ping +hello +xread +xrange +xlen +xinfo|stream +time"


def acl_commands(account: str) -> list[str]:
    """What to type at the engine once. account: as in `account_name`.

    INFO lets a receiver see at its start whether the engine evicts or forgets. CONFIG would tell more, but also the
    engine's passwords.
    """
    keys = f"~devkit:{account}:*"
    return [
        "ACL SETUSER admin reset on >ADMIN-PASSWORD +@all ~* &*",
        f"ACL SETUSER receiver reset on >PASSWORD -@all {_RECEIVER} {keys}",
        f"ACL SETUSER follower reset on >ANOTHER-PASSWORD -@all {_FOLLOWER} {keys}",
        "ACL SETUSER default off",
        "# To keep them: ACL SAVE where the engine has an aclfile, else CONFIG REWRITE. Both as admin.",
    ]
