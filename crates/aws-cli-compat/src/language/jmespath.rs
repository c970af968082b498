//! JMESPath for `--query`, as jmespath.py evaluates it.
//!
//! The Rust crates for JMESPath sort members and format numbers differently, which would be visible in the output.

mod functions;
mod interpreter;
mod lexer;
mod parser;

use crate::language::value::Value;
use parser::Node;

/// A valid query.
#[derive(Debug)]
pub(crate) struct Query(Node);

impl Query {
    /// # Errors
    /// The expression is invalid; the message is jmespath.py's.
    pub(crate) fn parse(expression: &str) -> Result<Self, String> {
        parser::parse(expression).map(Self)
    }

    /// Evaluates the query.
    ///
    /// # Errors
    /// An unknown function, or a function with arguments of the wrong type.
    pub(crate) fn search(&self, value: &Value) -> Result<Value, String> {
        interpreter::evaluate(&self.0, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::json::{self, JsonStyle};

    fn search(expression: &str) -> String {
        let value = json::read(
            r#"{"b": [{"n": 2, "s": "y"}, {"n": 1, "s": "x"}], "a": {"k": [1, [2, 3]]}, "e": "é", "t": "abc"}"#,
        );
        match Query::parse(expression).and_then(|query| query.search(&value.unwrap())) {
            Ok(value) => json::write(&value, JsonStyle::Dense),
            Err(error) => error,
        }
    }

    #[test]
    fn results_are_those_of_jmespath_py() {
        for (expression, expected) in [
            ("b[].s", r#"["y","x"]"#),
            ("b[*].[n, s]", r#"[[2,"y"],[1,"x"]]"#),
            ("b[?n > `1`].{z: s, a: n}", r#"[{"z":"y","a":2}]"#),
            ("sort_by(b, &n)[0].s", r#""x""#),
            ("a.k[]", "[1,2,3]"),
            ("a.k[-1][::-1]", "[3,2]"),
            ("keys(@)", r#"["b","a","e","t"]"#),
            ("a.*", "[[1,[2,3]]]"),
            ("join('-', b[].s) || 'none'", r#""y-x""#),
            ("length(e)", "1"),
            ("to_string(@.e)", "\"\\u00e9\""),
            ("avg(b[].n)", "1.5"),
            ("!nope && t", r#""abc""#),
            ("max_by(b, &n).s | @", r#""y""#),
            ("nope.nope", "null"),
            ("nofunction(@)", "Unknown function: nofunction()"),
            (
                "abs(t)",
                "In function abs(), invalid type for value: abc, expected one of: ['number'], received: \"string\"",
            ),
        ] {
            assert_eq!(search(expression), expected, "{expression}");
        }
    }

    #[test]
    fn syntax_errors_point_at_the_position() {
        assert_eq!(search("[a"), "Invalid jmespath expression: Incomplete expression:\n\"[a\"\n   ^");
        assert_eq!(
            search("a b"),
            "Unexpected token: b: Parse error at column 2, token \"b\" (UNQUOTED_IDENTIFIER), for expression:\n\"a b\"\n   ^"
        );
    }
}
