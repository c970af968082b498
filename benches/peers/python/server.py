"""The token service as a good team writes it in Python: FastAPI on uvicorn with uvloop and httptools. PyJWT verifies each
bearer, and the response is the cached OpenID token of the user."""

import asyncio
import base64
import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NamedTuple

import boto3
import jwt
import uvicorn
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from fastapi import FastAPI, Header, HTTPException, Response
from prometheus_client import Histogram, make_asgi_app
from pydantic import BaseModel

ISSUER, AUDIENCE, POOL = os.environ["ISSUER"], os.environ["AUDIENCE"], os.environ["POOL"]
PROVIDER, REGION = os.environ["PROVIDER"], POOL.split(":")[0]
KEY = load_pem_public_key(Path(os.environ["KEY_FILE"]).read_bytes())
TOKEN_DURATION, SKEW_ALLOWANCE = 3600, 300

cognito = boto3.client("cognito-identity", region_name=REGION, endpoint_url=os.environ["COGNITO_URL"])
duration = Histogram(
    "http_request_duration_seconds",
    "Time from a request to its answer",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


class Minted(NamedTuple):
    identity_id: str
    token: str
    expires_at: str
    exp: int


class Answer(BaseModel):
    identityId: str
    token: str
    provider: str
    identityPoolId: str
    region: str
    expiresAt: str
    expiresIn: int


tokens: dict[str, Minted] = {}
flights: dict[str, asyncio.Task[Minted]] = {}


def issue(user: str) -> Minted:
    answer = cognito.get_open_id_token_for_developer_identity(
        IdentityPoolId=POOL, Logins={PROVIDER: user}, TokenDuration=TOKEN_DURATION
    )
    payload = answer["Token"].split(".")[1]
    exp = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["exp"]
    expires_at = datetime.fromtimestamp(exp, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Minted(answer["IdentityId"], answer["Token"], expires_at, exp)


async def mint(user: str) -> Minted:
    try:
        # boto3 blocks.
        minted = tokens[user] = await asyncio.to_thread(issue, user)
        return minted
    finally:
        del flights[user]


async def token_of(user: str, now: float) -> Minted:
    kept = tokens.get(user)
    if kept is not None and kept.exp - now > SKEW_ALLOWANCE:
        return kept
    flight = flights.get(user)
    if flight is None:
        flight = flights[user] = asyncio.create_task(mint(user))
    return await asyncio.shield(flight)


def user_of(authorization: str | None) -> str:
    scheme, _, bearer = (authorization or "").partition(" ")
    if scheme.lower() != "bearer":
        raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})
    try:
        claims = jwt.decode(
            bearer,
            KEY,
            algorithms=["RS256"],
            issuer=ISSUER,
            audience=AUDIENCE,
            options={"require": ["iss", "aud", "exp", "sub"]},
        )
    except jwt.InvalidTokenError:
        raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"}) from None
    return claims["sub"]


app = FastAPI(openapi_url=None)
app.mount("/metrics", make_asgi_app())


@app.post("/v1/token")
async def token(response: Response, authorization: Annotated[str | None, Header()] = None) -> Answer:
    started = time.perf_counter()
    user, now = user_of(authorization), time.time()
    minted = await token_of(user, now)
    response.headers["cache-control"] = "no-store"
    response.headers["vary"] = "Authorization, Origin"
    answer = Answer(
        identityId=minted.identity_id,
        token=minted.token,
        provider="cognito-identity.amazonaws.com",
        identityPoolId=POOL,
        region=REGION,
        expiresAt=minted.expires_at,
        expiresIn=int(minted.exp - now),
    )
    duration.observe(time.perf_counter() - started)
    return answer


if __name__ == "__main__":
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
