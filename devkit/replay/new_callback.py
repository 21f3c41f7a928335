"""Makes the callback of a new receipt, status or inbound message, as Vonage would send it. The time is an argument."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

from devkit.errors import UsageError
from devkit.webhook.callback import Callback, Transport, compose, json_body
from devkit.webhook.jwt import make_token
from devkit.webhook.new_webhook import (
    MessagesVersion,
    TextPart,
    change_fields,
    compose_messages,
    make_inbound_fields,
    make_receipt_fields,
    make_sms_inbound_fields,
    make_status_fields,
)
from devkit.webhook.raw_fields import NotAnObject, change_json
from devkit.webhook.receipt import make_message_id
from devkit.webhook.signature import NO_ACCOUNT, Signer, sign_fields
from devkit.webhook.vocabulary import INBOUND, UNKNOWN_ERROR, WITHOUT_ERROR

Api = Literal["sms", "messages"]
APIS: tuple[Api, ...] = get_args(Api)

_PRICE = "0.0333"  # of a message, EUR


@dataclass(frozen=True, slots=True)
class Origin:
    """What is different each time. number: of the message, 128 random bits. nonce: of the request, a random UUID.

    api_key: the account; a made-up one when empty. application_id: of which the token says that it sent the message;
    empty for the account itself. signer: None for no signature.
    """

    now: datetime
    number: int
    nonce: str
    api_key: str = NO_ACCOUNT
    signer: Signer | None = None
    application_id: str = ""


@dataclass(frozen=True, slots=True)
class NewWebhook:
    """A receipt, a status of the Messages API, or an inbound message to make.

    status: `inbound` for an inbound message. code: the err-code of a receipt or the error number of a status; empty
    for the default of the status: of a receipt 0 for accepted, buffered and delivered, else 1 (unknown); of a status
    1330 (unknown) for rejected, else none. sets, unsets: fields to change. text: of an inbound message.
    part: of a long inbound text in the SMS API. version: of the Messages API.
    """

    status: str
    code: str = ""
    sets: Mapping[str, object] = field(default_factory=dict)
    unsets: Collection[str] = ()
    api: Api = "sms"
    text: str = ""
    version: MessagesVersion = "v1"
    part: TextPart | None = None

    def callback(self, origin: Origin, transport: Transport = "get", *, host: str = "localhost") -> Callback:
        """The callback that carries it. transport: of the SMS API. Raises UsageError for fields that can't be set."""
        if self.api == "messages":
            return self._messages_callback(origin, host)
        fields = self._inbound_fields(origin) if self.status == INBOUND else self._receipt_fields(origin)
        if origin.signer:
            fields = sign_fields(fields, origin.signer, origin.now, origin.nonce, self.unsets)
        return compose(fields, transport, host=host)

    def _receipt_fields(self, origin: Origin) -> dict[str, object]:
        fields: Mapping[str, object] = make_receipt_fields(
            self.status,
            self.code or ("0" if self.status in WITHOUT_ERROR else "1"),
            message_id=make_message_id(origin.number),
            pushed_at=origin.now,
            api_key=origin.api_key,
        )
        return change_fields(fields, self.sets, self.unsets)

    def _inbound_fields(self, origin: Origin) -> dict[str, object]:
        fields = make_sms_inbound_fields(
            self.text,
            message_id=make_message_id(origin.number, "hex"),
            pushed_at=origin.now,
            part=self.part,
            api_key=origin.api_key,
        )
        return {name: value for name, value in {**fields, **self.sets}.items() if name not in self.unsets}

    def _messages_callback(self, origin: Origin, host: str) -> Callback:
        body = json_body(self._messages_fields(make_message_id(origin.number), origin.now))
        try:
            body = change_json(body, self.sets, self.unsets)
        except NotAnObject as error:
            raise UsageError(f"{error}.", hint="Set the whole field, or omit --set for it.") from None
        token = ""
        if origin.signer:
            token = make_token(
                body,
                origin.signer.secret,
                api_key=origin.api_key,
                application_id=origin.application_id,
                now=origin.now,
                jti=origin.nonce,
            )
        return compose_messages(body, token, host=host)

    def _messages_fields(self, message_uuid: str, now: datetime) -> dict[str, object]:
        if self.status == INBOUND:
            return make_inbound_fields(
                self.text, message_uuid=message_uuid, timestamp=now, version=self.version
            )
        return make_status_fields(
            self.status,
            message_uuid=message_uuid,
            timestamp=now,
            price=_PRICE if self.status == "submitted" else "",
            error=self.code or (UNKNOWN_ERROR if self.status == "rejected" else ""),
            version=self.version,
        )
