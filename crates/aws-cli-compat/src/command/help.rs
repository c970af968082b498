//! What `help` prints, and the line of usage before errors.

pub(super) const USAGE: &str = "\
usage: tokenvend get-open-id-token-for-developer-identity --identity-pool-id ID --logins NAME=VALUE [options]
To see help text, you can run: tokenvend get-open-id-token-for-developer-identity help";

pub(super) const HELP: &str = "\
tokenvend get-open-id-token-for-developer-identity: the AWS CLI command of that name

Asks Amazon Cognito for a user's OpenID token, registering the user if need be, and prints it. The options,
the output and the exit codes are those of the AWS CLI (v1): in a script, put `tokenvend` in place of `aws`.
It needs AWS credentials and a region, and finds both where the AWS CLI does.

USAGE
  tokenvend [cognito-identity] get-open-id-token-for-developer-identity
      --identity-pool-id ID --logins PROVIDER=USER[,PROVIDER=TOKEN...] [options]

OPTIONS OF THE OPERATION
  --identity-pool-id ID       the pool, REGION:GUID
  --logins MAP                the developer provider's name and the user, and logins to link:
                              login.example=alice, or JSON: '{\"login.example\": \"alice\"}'
  --identity-id ID            link the logins to this identity
  --principal-tags MAP        tags that the token is to have: team=red,site=north
  --token-duration SECONDS    1 to 86400; Cognito's default is 900
  --cli-input-json JSON       all of that as JSON; options come first
  --generate-cli-skeleton [input|output]
                              print an input to fill in, or an answer to try a query on; call nobody
  A value may stand in a file: file://PATH.

OPTIONS OF EVERY COMMAND
  --output json|text|table    how to print; else AWS_DEFAULT_OUTPUT, the profile's, json
  --query EXPRESSION          print only what this JMESPath expression finds
  --color on|off|auto         in tables
  --profile NAME, --region NAME, --endpoint-url URL, --no-sign-request
  --no-verify-ssl, --ca-bundle FILE
  --cli-read-timeout SECONDS, --cli-connect-timeout SECONDS
                              60 by default; 0 waits for ever
  --debug                     say on standard error what is done; never a secret
  --version, --no-paginate

ASKING A RUNNING TOKENVEND INSTEAD OF COGNITO
  --url URL                   the service's public address. The user comes from the bearer token, so that
                              no option above may say who it is, and no AWS credentials are needed
  --bearer-file FILE          the bearer token that the app gave its user; or set TOKENVEND_BEARER
  --pool NAME                 one of the service's pools, if not its default one

EXIT CODES
  0 done   2 the arguments cannot be read   255 anything else, told on standard error

EXAMPLE
  tokenvend get-open-id-token-for-developer-identity --region us-east-1 \\
      --identity-pool-id us-east-1:7c9e6679-7425-40de-944b-e07fc1f90ae7 \\
      --logins login.example=alice --query Token --output text
";
