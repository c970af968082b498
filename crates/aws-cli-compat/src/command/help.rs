//! The output of `help`, and the usage before errors.

pub(super) const USAGE: &str = "\
usage: tokenvend get-open-id-token-for-developer-identity --identity-pool-id ID --logins NAME=VALUE [options]
To see help text, you can run: tokenvend get-open-id-token-for-developer-identity help";

pub(super) const HELP: &str = "\
tokenvend get-open-id-token-for-developer-identity: the AWS CLI command of that name

Gets an OpenID token for a user from Amazon Cognito and prints it. Registers the user if necessary. The
options, the output and the exit codes are those of the AWS CLI (v1): in a script, replace `aws` by
`tokenvend`. It reads AWS credentials and the region from the same sources as the AWS CLI.

USAGE
  tokenvend [cognito-identity] get-open-id-token-for-developer-identity
      --identity-pool-id ID --logins PROVIDER=USER[,PROVIDER=TOKEN...] [options]

OPTIONS OF THE OPERATION
  --identity-pool-id ID       the identity pool, REGION:GUID
  --logins MAP                the developer provider's name and the user, and logins to link:
                              login.example=alice, or JSON: '{\"login.example\": \"alice\"}'
  --identity-id ID            link the logins to this identity
  --principal-tags MAP        the token's principal tags: team=red,site=north
  --token-duration SECONDS    1 to 86400; Cognito's default is 900
  --cli-input-json JSON       all of these as JSON; options override it
  --generate-cli-skeleton [input|output]
                              print an input to fill in, or a response to try a query on, without a call
  A value may be in a file: file://PATH.

OPTIONS OF EVERY COMMAND
  --output json|text|table    the output format; else AWS_DEFAULT_OUTPUT, the profile's, json
  --query EXPRESSION          print only the result of this JMESPath expression
  --color on|off|auto         colours in tables
  --profile NAME, --region NAME, --endpoint-url URL, --no-sign-request
  --no-verify-ssl, --ca-bundle FILE
  --cli-read-timeout SECONDS, --cli-connect-timeout SECONDS
                              60 by default; 0 means no timeout
  --debug                     log each step to standard error, without secrets
  --version, --no-paginate

CALLING A RUNNING TOKENVEND INSTEAD OF COGNITO
  --url URL                   the service's public address. The bearer token names the user, so no option
                              above may name one, and no AWS credentials are needed
  --bearer-file FILE          a file with the bearer token that the app gave its user; or set
                              TOKENVEND_BEARER
  --pool NAME                 one of the service's pools instead of its default one

EXIT CODES
  0 success   2 the arguments cannot be parsed   255 any other error, described on standard error

EXAMPLE
  tokenvend get-open-id-token-for-developer-identity --region us-east-1 \\
      --identity-pool-id us-east-1:7c9e6679-7425-40de-944b-e07fc1f90ae7 \\
      --logins login.example=alice --query Token --output text
";
