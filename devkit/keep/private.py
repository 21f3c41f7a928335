"""The project's own secrets, which no sample may hold, whatever a recording's notes say."""

from devkit.session import Project
from devkit.settings import Settings


def private_values(settings: Settings, project: Project) -> dict[str, str]:
    """Each secret that is set, by the name of its setting. Makes the callback token when there is none yet."""
    token = project.callback_token() if settings.callback_token is None else settings.callback_token
    values = {
        "VONAGE_API_SECRET": settings.api_secret,
        "VONAGE_SIGNATURE_SECRET": settings.signature_secret,
        "NGROK_AUTHTOKEN": settings.ngrok_authtoken,
        "DEVKIT_CALLBACK_TOKEN": token,
    }
    return {name: value for name, value in values.items() if value}
