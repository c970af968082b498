//! Output: formats, queries, skeletons, colours.

use super::{Case, GOOD, bare, call, line};
use crate::stub::Reply;

/// Queries whose results have all shapes that the formats distinguish.
const SHAPES: &[&str] = &[
    "IdentityId",
    "[IdentityId,Token]",
    "[[IdentityId,Token]]",
    "[[IdentityId,Token],[`1`,`2`]]",
    "{id: IdentityId, token: Token}",
    "{b: {z: Token, y: {x: IdentityId}}, a: [IdentityId, Token]}",
    "{a: Token, b: [{c: IdentityId, d: `1`}, {c: `2.50`, e: `null`}]}",
    "[{a: Token, b: [IdentityId]}, {a: `true`, c: {d: `1e20`}}]",
    "Nothing",
    "[Nothing]",
    "{a: Nothing}",
    "`[]`",
    "`{}`",
    "`\"\"`",
    "`0`",
    "`false`",
    "`[1, 2.0, 1e16, 1.5e-7, -0.0, true, null, \"x\"]`",
    "`[\"x\", [\"y\", [\"z\"]], [\"u\"]]`",
    "`[[], {}]`",
    "`\"日本語 ｈａｌｆ é\"`",
    "`[[\"日本語\", \"é¡\"], [\"a\", \"½\"]]`",
    "{x: 'it''s', y: `\"quote\\\" back\\\\slash tab\\t\"`}",
];

/// Queries for the functions and operators of JMESPath.
const QUERIES: &[&str] = &[
    "keys(@)",
    "values(@)",
    "length(Token)",
    "length(@)",
    "to_string(@)",
    "to_string(`{\"é\": [1, 2.0, null]}`)",
    "join(' ', [IdentityId, Token])",
    "sort(keys(@))",
    "contains(Token, 'eyJ')",
    "starts_with(IdentityId, 'us-')",
    "ends_with(IdentityId, 'x')",
    "reverse(keys(@))",
    "type(Token)",
    "to_number('12_3')",
    "to_array(Token)",
    "not_null(Nothing, Token)",
    "merge(@, {Token: 'x', More: `1`})",
    "max(`[1, 3, 2]`)",
    "min(`[\"b\", \"a\"]`)",
    "sum(`[1, 2.5]`)",
    "avg(`[1, 2]`)",
    "ceil(`1.2`)",
    "floor(`-1.2`)",
    "abs(`-3`)",
    "sort_by(`[{\"n\": 2, \"s\": \"b\"}, {\"n\": 1, \"s\": \"a\"}]`, &n)[*].s",
    "max_by(`[{\"n\": 2}, {\"n\": 1}]`, &n)",
    "map(&n, `[{\"n\": 2}, {}]`)",
    "@.* | [0]",
    "[IdentityId, Token][?contains(@, 'us-east')] | [0]",
    "`[{\"n\": 1, \"k\": \"a\"}, {\"n\": 5, \"k\": \"b\"}]`[?n > `2`].k",
    "`[0, 1, 2, 3, 4]`[1:4:2]",
    "`[0, 1, 2, 3, 4]`[::-1]",
    "`[[1, 2], [3], 4]`[]",
    "Nothing || Token",
    "Nothing && Token",
    "!Nothing",
    "Token == 'x'",
    "`1` < `2`",
    "`1` == `true`",
    "\"IdentityId\"",
    "'raw string'",
    "@",
];

/// Invalid expressions, and expressions whose evaluation fails.
const INVALID: &[&str] = &[
    "[",
    "IdentityId.",
    "IdentityId Token",
    "foo(",
    "unknown(@)",
    "length()",
    "length(`1`)",
    "join(',', `[1]`)",
    "sort(`[1, \"a\"]`)",
    "`1` < 'a'",
    "'unclosed",
    "`unclosed",
    "#",
    "=",
    "a-b",
    "{a}",
    "{a: b",
    "[0",
    "[1:2:3:4]",
    "a[b]",
    "foo.[a",
    "@(x)",
    "\"a\"(@)",
    "`[1]`[::0]",
    "sort_by(`[{\"a\": 1}, {\"a\": \"b\"}]`, &a)",
    "contains('abc', `1`)",
];

/// Puts an expression in single quotes, for a shell.
fn quoted(expression: &str) -> String {
    format!("'{}'", expression.replace('\'', "'\"'\"'"))
}

pub fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    for format in ["json", "text", "table"] {
        cases.push(call(&format!("--output {format}")));
        for query in SHAPES {
            cases.push(call(&format!("--output {format} --query {}", quoted(query))));
        }
    }
    // On terminals wider and narrower than the table, and on one that does not know its size.
    for format in ["json", "text", "table"] {
        cases.extend(
            ["", "--color on", "--color off", "--color auto"]
                .map(|colour| call(&format!("--output {format} {colour}")).on_terminal(24, 200)),
        );
    }
    for (rows, columns) in [(24, 80), (24, 79), (24, 40), (50, 97), (50, 98), (50, 99), (1, 1), (0, 0)] {
        for query in ["@", "[[IdentityId,Token],[`1`,`2`]]", SHAPES[5], SHAPES[6], "`[\"日本語\", \"é\"]`"] {
            let query = quoted(query);
            cases.push(call(&format!("--output table --query {query}")).on_terminal(rows, columns));
        }
        let case = call("--output table --color off").env("COLUMNS", "20").env("LINES", "5");
        cases.push(case.on_terminal(rows, columns));
    }
    cases.push(call("--output table").env("COLUMNS", "20"));
    cases.push(call("--output table").env("TERM", "dumb").env("NO_COLOR", "1").on_terminal(24, 80));
    cases.push(
        call("--output table")
            .replies([Reply::Response(400, r#"{"__type": "X", "message": "y"}"#)])
            .on_terminal(24, 80),
    );
    cases.extend(QUERIES.iter().map(|query| call(&format!("--query {}", quoted(query)))));
    cases.extend(INVALID.iter().map(|query| call(&format!("--query {}", quoted(query)))));
    cases.extend([
        call("--query ''"),
        call("--query '&IdentityId'").any_error_text(),
        call("--color on --output table"),
        call("--color on --output table --query '{a: {b: [IdentityId, Token]}}'"),
        call("--color off --output table"),
        call("--color on --output text"),
        call("--color blue"),
        call("--output yaml"),
        call("--output table").replies([Reply::Response(200, r#"{"IdentityId": "i", "Token": "t"}"#)]),
        call("--output table --query '{Long: Token, L2: IdentityId, a: {b: [Token]}}'").replies([Reply::Response(
            200,
            concat!(
                r#"{"IdentityId": "us-east-1:11111111-2222-4333-8444-555555555555", "Token": ""#,
                "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789",
                r#""}"#
            ),
        )]),
        call("--output table --query '[{a: Token, b: IdentityId}, Token]'"),
        call("--output text --query '[{a: Token}, Token]'"),
        call("--output table --query '[[Token, IdentityId], [Token]]'"),
        call("--output table --query '[`1`, {a: Token, b: `2`}]'"),
        call("--output table --query '[`1`, {a: Token}]'"),
        call("").replies([Reply::Response(200, GOOD)]).env("AWS_DEFAULT_OUTPUT", "table"),
        call("").env("AWS_DEFAULT_OUTPUT", "yaml"),
        line("--generate-cli-skeleton"),
        line("--generate-cli-skeleton input --output table --query Logins"),
        line("--generate-cli-skeleton output"),
        line("--generate-cli-skeleton=input"),
        line("--generate-cli-skeleton both"),
        line("--generate-cli-sk"),
        call("--generate-cli-skeleton output"),
        call("--generate-cli-skeleton output --query Token --output text"),
        call("--generate-cli-skeleton output --token-duration 0"),
        call("--generate-cli-skeleton output").without(&["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]),
        call("--generate-cli-skeleton output").without(&["AWS_DEFAULT_REGION"]),
        bare("--generate-cli-skeleton --logins x=").without(&["AWS_DEFAULT_REGION"]),
        line("--version").output_ignored(),
        line("help").output_ignored(),
        call("help").output_ignored(),
    ]);
    cases
}
