"""Judges the Cognito emulator by what others use: boto3 parses every answer, PyJWT verifies every token.

Usage: emulator_peers.py URL. The emulator must have its default pool and access key, with guests allowed.
Prints one line a check; exits non-zero if any fails.
"""

import json
import sys
import time
import urllib.request

import boto3
import jwt
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

URL = sys.argv[1].rstrip("/")
POOL = "us-east-1:00000000-0000-4000-8000-000000000001"
PROVIDER = "login.tokenvend.example"
MISSING = "us-east-1:00000000-0000-4000-8000-00000000dead"
ISSUER = "https://cognito-identity.amazonaws.com"
ONCE = {"total_max_attempts": 1}

failures = 0


def check(name, passed, seen=None):
    global failures
    failures += not passed
    print(f"{'ok  ' if passed else 'FAIL'} {name}" + ("" if passed else f": {seen!r}"))


def refused(name, error, call, status=400, **arguments):
    """The call must fail with that error, as a typed exception if the operation declares it."""
    try:
        check(name, False, call(**arguments))
    except ClientError as fault:
        code = fault.response["Error"]["Code"]
        seen = fault.response["ResponseMetadata"]
        whole = code == error and seen["HTTPStatusCode"] == status and fault.response["Error"]["Message"]
        check(f"{name} -> {error}", bool(whole and seen.get("RequestId")), fault.response)


def connect(secret="emulator-secret-good-for-nothing", key="AKIAEMULATOR", **config):
    return boto3.client(
        "cognito-identity",
        endpoint_url=URL,
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=Config(retries=ONCE, **config),
    )


def control(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(URL + path, data, method=method)) as answer:
        return json.loads(answer.read() or b"null")


aws = connect()
anyone = connect(signature_version=UNSIGNED)
discovery = control("GET", "/.well-known/openid-configuration")
keys = jwt.PyJWKClient(discovery["jwks_uri"])


def claims_of(token):
    key = keys.get_signing_key_from_jwt(token).key
    return jwt.decode(token, key, algorithms=["RS512"], audience=POOL, issuer=ISSUER)


def vend(user="alice", **more):
    logins = {PROVIDER: user, **more.pop("logins", {})}
    return aws.get_open_id_token_for_developer_identity(IdentityPoolId=POOL, Logins=logins, **more)


# Tokens of developer users
first = vend()
alice, token = first["IdentityId"], first["Token"]
header, claims = jwt.get_unverified_header(token), claims_of(token)
check("the header is Cognito's", list(header) == ["kid", "typ", "alg"] and header["typ"] == "JWS", header)
check("the discovery document names the issuer", discovery["issuer"] == ISSUER, discovery)
check("sub is the identity", claims["sub"] == alice, claims)
check("amr names the user", claims["amr"] == ["authenticated", PROVIDER, f"{PROVIDER}:{POOL}:alice"], claims)
check("a token lives 900 s by default", claims["exp"] - claims["iat"] == 900, claims)
check("a token is dated now", abs(claims["iat"] - time.time()) < 5, claims)
check("an identity is stable", vend()["IdentityId"] == alice)
check("another user has another identity", vend("bob")["IdentityId"] != alice)
tagged = claims_of(vend(PrincipalTags={"team": "red"}, TokenDuration=60)["Token"])
check("tags stand in the token", tagged["https://aws.amazon.com/tags"] == {"principal_tags": {"team": ["red"]}}, tagged)
check("a duration is kept", tagged["exp"] - tagged["iat"] == 60, tagged)
developer = aws.get_open_id_token_for_developer_identity
refused("no developer login", "InvalidParameterException", developer, IdentityPoolId=POOL, Logins={})
refused("an unknown provider", "InvalidParameterException", vend, logins={"login.unknown.example": "x"})
refused("an unknown identity", "ResourceNotFoundException", vend, IdentityId=MISSING)
refused("an unknown pool", "ResourceNotFoundException", developer, IdentityPoolId=MISSING, Logins={PROVIDER: "a"})
refused("a user of another identity", "DeveloperUserAlreadyRegisteredException", vend, user="bob", IdentityId=alice)
check("a public login is linked", vend(logins={"accounts.google.com": "g-alice"})["IdentityId"] == alice)
refused("a login of another", "ResourceConflictException", vend, user="bob", logins={"accounts.google.com": "g-alice"})
refused("a duration beyond a day", "InvalidParameterException", vend, TokenDuration=86_401)

# Identities
guest = anyone.get_id(IdentityPoolId=POOL)["IdentityId"]
check("GetId makes a guest", guest.startswith("us-east-1:"), guest)
by_google = anyone.get_id(IdentityPoolId=POOL, Logins={"accounts.google.com": "g-alice"})["IdentityId"]
check("GetId finds by a public login", by_google == alice, by_google)
own = {"cognito-identity.amazonaws.com": token}
refused("GetId with a Cognito token", "NotAuthorizedException", anyone.get_id, IdentityPoolId=POOL, Logins=own)
described = aws.describe_identity(IdentityId=alice)
check("DescribeIdentity lists the providers", set(described["Logins"]) == {PROVIDER, "accounts.google.com"}, described)
check("DescribeIdentity is dated", abs(described["CreationDate"].timestamp() - time.time()) < 60, described)
refused("DescribeIdentity of nobody", "ResourceNotFoundException", aws.describe_identity, IdentityId=MISSING)
found = aws.lookup_developer_identity(IdentityPoolId=POOL, DeveloperUserIdentifier="alice")
check("LookupDeveloperIdentity finds the identity", found["IdentityId"] == alice, found)
vend("alice-too", IdentityId=alice)
page = aws.lookup_developer_identity(IdentityPoolId=POOL, IdentityId=alice, MaxResults=1)
rest = aws.lookup_developer_identity(IdentityPoolId=POOL, IdentityId=alice, NextToken=page["NextToken"])
users = page["DeveloperUserIdentifierList"] + rest["DeveloperUserIdentifierList"]
check("LookupDeveloperIdentity pages", users == ["alice", "alice-too"] and "NextToken" not in rest, users)
refused(
    "a lookup that does not match", "ResourceConflictException", aws.lookup_developer_identity,
    IdentityPoolId=POOL, IdentityId=alice, DeveloperUserIdentifier="bob-is-new",
)

# Tokens and credentials of clients
guest_claims = claims_of(anyone.get_open_id_token(IdentityId=guest)["Token"])
check("a guest is unauthenticated", guest_claims["amr"] == ["unauthenticated"], guest_claims)
check("a guest's token lives 600 s", guest_claims["exp"] - guest_claims["iat"] == 600, guest_claims)
refused("an identity with logins as guest", "NotAuthorizedException", anyone.get_open_id_token, IdentityId=alice)
credentials = anyone.get_credentials_for_identity(IdentityId=alice, Logins=own)["Credentials"]
check("credentials last an hour", 3590 < credentials["Expiration"].timestamp() - time.time() <= 3601, credentials)
broken = {"cognito-identity.amazonaws.com": token[:-8] + "AAAAAAAA"}
refused(
    "a forged token", "NotAuthorizedException", anyone.get_credentials_for_identity, IdentityId=alice, Logins=broken,
)

# Pools
made = aws.create_identity_pool(
    IdentityPoolName="peers", AllowUnauthenticatedIdentities=False, DeveloperProviderName="login.peers",
    CognitoIdentityProviders=[{"ProviderName": "cognito-idp.us-east-1.amazonaws.com/us-east-1_x", "ClientId": "c"}],
)
again = aws.describe_identity_pool(IdentityPoolId=made["IdentityPoolId"])
made.pop("ResponseMetadata"), again.pop("ResponseMetadata")
check("a pool is described as it was made", made == again, again)
pages = aws.get_paginator("list_identity_pools").paginate(PaginationConfig={"PageSize": 1})
listed = [pool["IdentityPoolId"] for page in pages for pool in page["IdentityPools"]]
check("pools are listed page by page", {POOL, made["IdentityPoolId"]} <= set(listed), listed)
refused(
    "a pool's name with a slash", "InvalidParameterException", aws.create_identity_pool,
    IdentityPoolName="a/b", AllowUnauthenticatedIdentities=False,
)
refused(
    "no guests in that pool", "NotAuthorizedException", anyone.get_id, IdentityPoolId=made["IdentityPoolId"],
)

# Signatures
refused("a wrong secret", "InvalidSignatureException", connect(secret="wrong").list_identity_pools, MaxResults=1)
refused("an unknown key", "UnrecognizedClientException", connect(key="AKIASTRANGER").list_identity_pools, MaxResults=1)
refused("no signature", "MissingAuthenticationTokenException", anyone.list_identity_pools, MaxResults=1)

# Faults
control("DELETE", "/_emulator/calls")
control("PUT", "/_emulator/faults", {"throttleRate": 1})
refused("a throttle", "TooManyRequestsException", vend)
control("PUT", "/_emulator/faults", {"errorRate": 1})
refused("an internal error", "InternalErrorException", vend, status=500)
control("PUT", "/_emulator/faults", {"dropRate": 1})
try:
    check("a dropped connection", False, vend())
except ConnectionClosedError:
    check("a dropped connection", True)
control("DELETE", "/_emulator/faults")
counted = control("GET", "/_emulator/calls")["calls"]["GetOpenIdTokenForDeveloperIdentity"]
expected = {"total": 3, "TooManyRequestsException": 1, "InternalErrorException": 1, "dropped": 1}
check("faulted calls are counted", counted == expected, counted)

sys.exit(1 if failures else 0)
