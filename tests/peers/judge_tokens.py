"""PyJWT judges tokens as a service that takes Cognito's would: one verdict a line.

Usage: judge_tokens.py JWKS_URL AUDIENCE < tokens, one a line
"""

import sys

import jwt

jwks_url, audience = sys.argv[1:]
keys = jwt.PyJWKClient(jwks_url)
for token in sys.stdin.read().splitlines():
    try:
        jwt.decode(
            token,
            keys.get_signing_key_from_jwt(token),
            algorithms=["RS512"],
            audience=audience,
            issuer="https://cognito-identity.amazonaws.com",
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
        print("verified")
    except jwt.PyJWTError as error:
        print(f"refused: {type(error).__name__}")
