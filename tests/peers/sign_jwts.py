"""Signs one JWT with every algorithm of JWS, by PyJWT and OpenSSL, and prints the keys and the tokens as JSON.

Arguments: the claims as JSON, and a shared secret.
"""

import json
import sys

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

claims, secret = json.loads(sys.argv[1]), sys.argv[2]
rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
keys = {
    **{name: rsa_key for name in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")},
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "ES384": ec.generate_private_key(ec.SECP384R1()),
    "ES512": ec.generate_private_key(ec.SECP521R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}


def jwk(name, key):
    algorithm = jwt.get_algorithm_by_name(name)
    return {**json.loads(algorithm.to_jwk(key.public_key())), "kid": f"key-{name}", "alg": name, "use": "sig"}


def pem(key):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


tokens = {name: jwt.encode(claims, key, name, headers={"kid": f"key-{name}"}) for name, key in keys.items()}
weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
print(json.dumps({
    "jwks": {"keys": [jwk(name, key) for name, key in keys.items()] + [{**jwk("RS256", weak), "kid": "weak"}]},
    "pems": {name: pem(key) for name, key in keys.items()},
    "tokens": tokens,
    "weak": jwt.encode(claims, weak, "RS256", headers={"kid": "weak"}),
    "shared": {name: jwt.encode(claims, secret, name) for name in ("HS256", "HS384", "HS512")},
}))
