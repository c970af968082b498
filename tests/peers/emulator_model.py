"""Walks botocore's own models of Cognito Identity, STS and IAM, and holds the emulator to every word of them.

For each operation: a call with every member it can have must be answered with members that the model declares,
in the types that it declares; and a call that breaks any one constraint of the model (a required member missing,
a length, a range, a pattern, an enumeration, at any depth) must be refused with an error that the operation
declares. botocore's own checks are off: it would keep such calls from ever being sent.

Usage: emulator_model.py URL. Prints one line an operation; exits non-zero if anything is amiss.
"""

import copy
import json
import re
import sys
import uuid
import xml.etree.ElementTree as xml

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

URL = sys.argv[1].rstrip("/")
PROVIDER, GOOGLE, OWN = "login.model", "accounts.google.com", "cognito-identity.amazonaws.com"
ROLE = "arn:aws:iam::123456789012:role/Model"
STS_OPERATIONS = ["AssumeRoleWithWebIdentity", "GetCallerIdentity"]
IAM_OPERATIONS = ["GetRole", "UpdateAssumeRolePolicy"]
# Errors of every operation of STS and IAM, which their models do not repeat.
COMMON_OF_QUERY = {"ValidationError"}


def connect(service, **config):
    return boto3.client(
        service,
        endpoint_url=URL,
        region_name="us-east-1",
        aws_access_key_id="AKIAEMULATOR",
        aws_secret_access_key="emulator-secret-good-for-nothing",
        config=Config(retries={"total_max_attempts": 1}, parameter_validation=False, **config),
    )


cognito, sts, iam = connect("cognito-identity"), connect("sts"), connect("iam")


class PoolFixture:
    """A new pool with two users, for one call."""

    def __init__(self):
        self.mark = uuid.uuid4().hex
        self.pool = cognito.create_identity_pool(
            IdentityPoolName=self.mark,
            AllowUnauthenticatedIdentities=True,
            DeveloperProviderName=PROVIDER,
            SupportedLoginProviders={GOOGLE: "app"},
            IdentityPoolTags={"team": "red"},
        )["IdentityPoolId"]
        self.arn = f"arn:aws:cognito-identity:us-east-1:123456789012:identitypool/{self.pool}"
        self.bob, _ = self.vend("bob")
        self.alice, self.token = self.vend("alice", **{GOOGLE: "g-alice"})
        self.own = {OWN: self.token}

    def vend(self, user, **public):
        logins = {PROVIDER: user, **public}
        answer = cognito.get_open_id_token_for_developer_identity(IdentityPoolId=self.pool, Logins=logins)
        return answer["IdentityId"], answer["Token"]


def settings(**more):
    return {
        "IdentityPoolName": "model",
        "AllowUnauthenticatedIdentities": True,
        "AllowClassicFlow": True,
        "SupportedLoginProviders": {GOOGLE: "app"},
        "DeveloperProviderName": PROVIDER,
        "OpenIdConnectProviderARNs": ["arn:aws:iam::123456789012:oidc-provider/login.example"],
        "CognitoIdentityProviders": [
            {"ProviderName": "cognito-idp.us-east-1.amazonaws.com/us-east-1_x", "ClientId": "c", "ServerSideTokenCheck": True}
        ],
        "SamlProviderARNs": ["arn:aws:iam::123456789012:saml-provider/corp"],
        "IdentityPoolTags": {"team": "red"},
        **more,
    }


def roles():
    rule = {"Claim": "sub", "MatchType": "Equals", "Value": "x", "RoleARN": ROLE}
    mapping = {"Type": "Rules", "AmbiguousRoleResolution": "Deny", "RulesConfiguration": {"Rules": [rule]}}
    return {"Roles": {"authenticated": ROLE, "unauthenticated": ROLE}, "RoleMappings": {GOOGLE: mapping}}


def with_roles(fixture):
    cognito.set_identity_pool_roles(IdentityPoolId=fixture.pool, **roles())
    return {"IdentityPoolId": fixture.pool}


def with_tag_map(fixture):
    named = {"IdentityPoolId": fixture.pool, "IdentityProviderName": GOOGLE}
    cognito.set_principal_tag_attribute_map(**named, PrincipalTags={"team": "custom:team"})
    return named


def second_page(call, **arguments):
    return {**arguments, "NextToken": call(**arguments)["NextToken"]}


def users_page(fixture):
    cognito.get_open_id_token_for_developer_identity(
        IdentityPoolId=fixture.pool, IdentityId=fixture.alice, Logins={PROVIDER: "alice-too"}
    )
    named = {"IdentityPoolId": fixture.pool, "IdentityId": fixture.alice, "MaxResults": 1}
    return second_page(cognito.lookup_developer_identity, **named)


# A call that is answered, with as many members as go together.
VALID = {
    "CreateIdentityPool": lambda fixture: settings(),
    "DeleteIdentities": lambda fixture: {"IdentityIdsToDelete": [fixture.alice, fixture.bob]},
    "DeleteIdentityPool": lambda fixture: {"IdentityPoolId": fixture.pool},
    "DescribeIdentity": lambda fixture: {"IdentityId": fixture.alice},
    "DescribeIdentityPool": lambda fixture: {"IdentityPoolId": fixture.pool},
    "GetCredentialsForIdentity": lambda fixture: {
        "IdentityId": fixture.alice, "Logins": fixture.own, "CustomRoleArn": ROLE,
    },
    "GetId": lambda fixture: {"AccountId": "123456789012", "IdentityPoolId": fixture.pool, "Logins": {GOOGLE: "g"}},
    "GetIdentityPoolRoles": with_roles,
    "GetOpenIdToken": lambda fixture: {"IdentityId": fixture.alice, "Logins": fixture.own},
    "GetOpenIdTokenForDeveloperIdentity": lambda fixture: {
        "IdentityPoolId": fixture.pool, "IdentityId": fixture.alice, "Logins": {PROVIDER: "alice"},
        "PrincipalTags": {"team": "red"}, "TokenDuration": 60,
    },
    "GetPrincipalTagAttributeMap": with_tag_map,
    "ListIdentities": lambda fixture: second_page(
        cognito.list_identities, IdentityPoolId=fixture.pool, MaxResults=1, HideDisabled=True
    ),
    "ListIdentityPools": lambda fixture: second_page(cognito.list_identity_pools, MaxResults=1),
    "ListTagsForResource": lambda fixture: {"ResourceArn": fixture.arn},
    "LookupDeveloperIdentity": users_page,
    "MergeDeveloperIdentities": lambda fixture: {
        "SourceUserIdentifier": "alice", "DestinationUserIdentifier": "bob",
        "DeveloperProviderName": PROVIDER, "IdentityPoolId": fixture.pool,
    },
    "SetIdentityPoolRoles": lambda fixture: {"IdentityPoolId": fixture.pool, **roles()},
    "SetPrincipalTagAttributeMap": lambda fixture: {
        "IdentityPoolId": fixture.pool, "IdentityProviderName": GOOGLE,
        "UseDefaults": False, "PrincipalTags": {"team": "custom:team"},
    },
    "TagResource": lambda fixture: {"ResourceArn": fixture.arn, "Tags": {"team": "blue"}},
    "UnlinkDeveloperIdentity": lambda fixture: {
        "IdentityId": fixture.alice, "IdentityPoolId": fixture.pool,
        "DeveloperProviderName": PROVIDER, "DeveloperUserIdentifier": "alice",
    },
    "UnlinkIdentity": lambda fixture: {"IdentityId": fixture.alice, "Logins": fixture.own, "LoginsToRemove": [GOOGLE]},
    "UntagResource": lambda fixture: {"ResourceArn": fixture.arn, "TagKeys": ["team"]},
    "UpdateIdentityPool": lambda fixture: settings(IdentityPoolId=fixture.pool),
    "AssumeRoleWithWebIdentity": lambda fixture: {
        "RoleArn": ROLE, "RoleSessionName": "alice", "WebIdentityToken": fixture.token,
        "PolicyArns": [{"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}],
        "Policy": '{"Version": "2012-10-17", "Statement": []}', "DurationSeconds": 900,
        "MinimumSessionTokenSize": 300,
    },
    "GetCallerIdentity": lambda fixture: {},
    "GetRole": lambda fixture: with_roles(fixture) and {"RoleName": "Model"},
    "UpdateAssumeRolePolicy": lambda fixture: with_roles(fixture) and {
        "RoleName": "Model", "PolicyDocument": '{"Version": "2012-10-17", "Statement": []}',
    },
}


def violations(shape, value, where):
    """Pairs of what is wrong and the value with that one thing wrong."""
    limits = shape.metadata
    least, most = limits.get("min"), limits.get("max")
    if shape.type_name == "structure":
        for name in shape.required_members:
            yield f"{where}.{name} missing", {key: one for key, one in value.items() if key != name}
        for name, member in shape.members.items():
            for what, wrong in violations(member, value.get(name, sample(member)), f"{where}.{name}"):
                yield what, {**value, name: wrong}
    elif shape.type_name == "list":
        yield from sizes(where, least, most, lambda count: (value * (count + 1))[:count])
        for what, wrong in violations(shape.member, value[0], f"{where}[]"):
            yield what, [wrong, *value[1:]]
    elif shape.type_name == "map":
        first = next(iter(value))
        yield from sizes(where, least, most, lambda count: {f"key-{n}": value[first] for n in range(count)})
        for what, wrong in violations(shape.key, first, f"{where} key"):
            yield what, {wrong: value[first]}
        for what, wrong in violations(shape.value, value[first], f"{where} value"):
            yield what, {**value, first: wrong}
    elif shape.type_name == "string":
        yield from sizes(where, least, most, lambda count: (value * (count + 1))[:count])
        if shape.enum:
            yield f"{where} beyond its enumeration", "NoSuchValue"
        if "pattern" in limits:
            yield f"{where} against its pattern", unmatched(limits["pattern"], least or 0)
    elif shape.type_name in ("integer", "long"):
        yield from sizes(where, least, most, lambda count: count)


def sizes(where, least, most, of_size):
    if least:
        yield f"{where} below {least}", of_size(least - 1)
    if most:
        yield f"{where} above {most}", of_size(most + 1)


def sample(shape):
    """Some value for a member that a valid call does without."""
    kinds = {"string": "a-sample-that-is-long-enough", "integer": 1, "long": 1, "boolean": True}
    if shape.type_name == "list":
        return [sample(shape.member)]
    if shape.type_name == "map":
        return {sample(shape.key): sample(shape.value)}
    if shape.type_name == "structure":
        return {name: sample(member) for name, member in shape.members.items()}
    return kinds[shape.type_name]


def unmatched(pattern, least):
    # Java's classes of Unicode are not Python's; no blank is in any of those used here.
    tame = re.sub(r"\\p\{\w\}", "a-z", pattern)
    # And its \uXXXX with five digits are none in Python.
    tame = re.sub(r"-?\\u[\w]{5,}(-\\u[\w]{5,})?", "", tame)
    for text in (" ", "!", "\u20ac", "\x01", "\x0b"):
        text *= max(least, 25)
        if not re.fullmatch(tame, text, re.ASCII):
            return text[: max(least, 3)] if least < 20 else text
    raise AssertionError(f"everything matches {pattern}")


def undeclared(shape, value, where):
    """What the model does not declare, or does not declare like this."""
    kind = shape.type_name
    if kind == "structure":
        if not isinstance(value, dict):
            return [f"{where} is no structure"]
        unknown = [f"{where}.{name} is not declared" for name in value if name not in shape.members]
        lacking = [f"{where}.{name} is required" for name in shape.required_members if name not in value]
        inner = [undeclared(shape.members[name], one, f"{where}.{name}") for name, one in value.items() if name in shape.members]
        return unknown + lacking + sum(inner, [])
    if kind == "list":
        return sum((undeclared(shape.member, one, f"{where}[]") for one in value), []) + outside(shape, len(value), where)
    if kind == "map":
        inner = (undeclared(shape.key, key, where) + undeclared(shape.value, one, where) for key, one in value.items())
        return sum(inner, []) + outside(shape, len(value), where)
    if kind == "string":
        wrong = [] if isinstance(value, str) else [f"{where} is no text"]
        if not wrong and shape.enum and value not in shape.enum:
            wrong.append(f"{where} is not of its enumeration")
        return wrong or outside(shape, len(value), where)
    types = {"boolean": bool, "integer": int, "long": int, "timestamp": (int, float)}
    return [] if isinstance(value, types[kind]) else [f"{where} is no {kind}"]


def outside(shape, size, where):
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max", size)
    return [] if least <= size <= most else [f"{where} has size {size}"]


def read_xml(shape, element):
    """An element as the JSON that its shape would have."""
    kind = shape.type_name
    plain = {child.tag.split("}")[1]: child for child in element}
    if kind == "structure":
        return {name: read_xml(shape.members[name], child) if name in shape.members else None for name, child in plain.items()}
    if kind in ("integer", "long"):
        return int(element.text)
    return 0.0 if kind == "timestamp" else element.text or ""


judged, answers = 0, []


def judge_body(parsed_name, operation_model, response_dict, **_):
    """Holds a raw answer against the model, before botocore drops what it does not know."""
    global judged
    shape, body = operation_model.output_shape, response_dict["body"]
    if response_dict["status_code"] != 200:
        return
    judged += 1
    if parsed_name != "cognito-identity":
        if not shape:
            return
        wrapper = xml.fromstring(body).find(f"{{*}}{shape.serialization['resultWrapper']}")
        found = read_xml(shape, wrapper)
    else:
        found = json.loads(body)
    answers.extend(undeclared(shape, found, "answer") if shape else [f"answer {found}"] if found else [])


walked, amiss = 0, 0
for name, client in (("cognito-identity", cognito), ("sts", sts), ("iam", iam)):
    client.meta.events.register(
        f"before-parse.{client.meta.service_model.service_id.hyphenize()}",
        lambda name=name, **event: judge_body(name, **event),
    )


def walk(client, operation):
    """All faults of one operation, and how many calls it was given."""
    model = client.meta.service_model.operation_model(operation)
    declared = {shape.error_code or shape.name for shape in model.error_shapes}
    if client is not cognito:
        declared |= COMMON_OF_QUERY
    method = getattr(client, xform_name(operation))
    arguments, faults = VALID[operation](PoolFixture()), []
    answers.clear()
    before = judged
    try:
        method(**arguments)
    except ClientError as fault:
        faults.append(f"a valid call: {fault}")
    faults += answers
    if judged != before + 1:
        faults.append("the answer was not judged")
    whole = VALID[operation](PoolFixture())
    wrongs = list(violations(model.input_shape, whole, operation)) if model.input_shape else []
    for what, wrong in wrongs:
        try:
            method(**copy.deepcopy(wrong))
            faults.append(f"{what}: answered")
        except ClientError as fault:
            error, seen = fault.response["Error"], fault.response["ResponseMetadata"]
            if error["Code"] not in declared or seen["HTTPStatusCode"] != 400 or not error["Message"]:
                faults.append(f"{what}: {seen['HTTPStatusCode']} {error}")
            typed = {shape.name for shape in model.error_shapes if (shape.error_code or shape.name) == error["Code"]}
            if typed and type(fault).__name__ not in typed:
                faults.append(f"{what}: no typed exception but {type(fault).__name__}")
    return faults, len(wrongs)


plan = [(cognito, name) for name in cognito.meta.service_model.operation_names] + [(sts, name) for name in STS_OPERATIONS]
plan += [(iam, name) for name in IAM_OPERATIONS]
for client, operation in plan:
    faults, wrongs = walk(client, operation)
    walked += wrongs
    amiss += len(faults)
    print(f"{'FAIL' if faults else 'ok  '} {operation}: one valid call, {wrongs} invalid ones")
    for fault in faults:
        print(f"       {fault[:300]}")
print(f"{len(plan)} operations, {walked} invalid calls, {amiss} faults")
sys.exit(1 if amiss else 0)
