"""Judges AWS credentials by botocore: whom STS takes it for with them, and how often it comes back for new ones.

Usage: credentials_peers.py STS_URL, with AWS_CONTAINER_CREDENTIALS_FULL_URI and its token in the environment.
Prints who it is. Then each line on standard input moves botocore's clock to that many seconds from now; it makes
20 requests' worth of use of the credentials, and prints how often it asked for new ones, and the life they have left.
"""

import datetime
import sys

import boto3

session = boto3.Session(region_name="us-east-1")
print(session.client("sts", endpoint_url=sys.argv[1]).get_caller_identity()["Arn"], flush=True)

credentials = session.get_credentials()
assert credentials.method == "container-role", credentials.method
start, offset, fetches = datetime.datetime.now(datetime.timezone.utc), 0, 0
refresh = credentials._refresh_using


def counted():
    global fetches
    fetches += 1
    return refresh()


credentials._refresh_using = counted
credentials._time_fetcher = lambda: start + datetime.timedelta(seconds=offset)
for line in sys.stdin:
    offset, fetches = int(line), 0
    for _ in range(20):
        credentials.get_frozen_credentials()
    print(fetches, int(credentials._seconds_remaining()), flush=True)
