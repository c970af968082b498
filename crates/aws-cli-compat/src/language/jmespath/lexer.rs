//! Lexer: splits a query into tokens.

use crate::language::json;
use crate::language::value::Value;

/// Kind of a token. The names are jmespath.py's, and appear in its error messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    And,
    Colon,
    Comma,
    Current,
    Dot,
    Eof,
    Eq,
    Expref,
    Filter,
    Flatten,
    Gt,
    Gte,
    Lbrace,
    Lbracket,
    Literal,
    Lparen,
    Lt,
    Lte,
    Ne,
    Not,
    Number,
    Or,
    Pipe,
    QuotedIdentifier,
    Rbrace,
    Rbracket,
    Rparen,
    Star,
    UnquotedIdentifier,
}

impl TokenKind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::And => "and",
            Self::Colon => "colon",
            Self::Comma => "comma",
            Self::Current => "current",
            Self::Dot => "dot",
            Self::Eof => "eof",
            Self::Eq => "eq",
            Self::Expref => "expref",
            Self::Filter => "filter",
            Self::Flatten => "flatten",
            Self::Gt => "gt",
            Self::Gte => "gte",
            Self::Lbrace => "lbrace",
            Self::Lbracket => "lbracket",
            Self::Literal => "literal",
            Self::Lparen => "lparen",
            Self::Lt => "lt",
            Self::Lte => "lte",
            Self::Ne => "ne",
            Self::Not => "not",
            Self::Number => "number",
            Self::Or => "or",
            Self::Pipe => "pipe",
            Self::QuotedIdentifier => "quoted_identifier",
            Self::Rbrace => "rbrace",
            Self::Rbracket => "rbracket",
            Self::Rparen => "rparen",
            Self::Star => "star",
            Self::UnquotedIdentifier => "unquoted_identifier",
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) value: Value,
    /// The index of its first character.
    pub(super) start: usize,
}

/// Splits an expression into tokens. The last one is [`TokenKind::Eof`].
pub(super) fn tokenize(expression: &str) -> Result<Vec<Token>, String> {
    if expression.is_empty() {
        return Err("Invalid JMESPath expression: cannot be empty.".to_owned());
    }
    let mut lexer = Lexer { expression, characters: expression.chars().collect(), at: 0 };
    let mut tokens = Vec::new();
    while let Some(character) = lexer.peek() {
        if matches!(character, ' ' | '\t' | '\n' | '\r') {
            lexer.at += 1;
        } else {
            tokens.push(lexer.token(character)?);
        }
    }
    tokens.push(Token { kind: TokenKind::Eof, value: Value::text(""), start: lexer.at });
    Ok(tokens)
}

struct Lexer<'e> {
    expression: &'e str,
    characters: Vec<char>,
    at: usize,
}

impl Lexer<'_> {
    fn peek(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }

    fn error(&self, message: &str, position: usize) -> String {
        format!("Bad jmespath expression: {message}:\n{}\n{}^", self.expression, " ".repeat(position))
    }

    fn token(&mut self, character: char) -> Result<Token, String> {
        let start = self.at;
        let next = self.characters.get(start + 1).copied();
        let (kind, length) = match (character, next) {
            ('.', _) => (TokenKind::Dot, 1),
            ('*', _) => (TokenKind::Star, 1),
            (']', _) => (TokenKind::Rbracket, 1),
            (',', _) => (TokenKind::Comma, 1),
            (':', _) => (TokenKind::Colon, 1),
            ('@', _) => (TokenKind::Current, 1),
            ('(', _) => (TokenKind::Lparen, 1),
            (')', _) => (TokenKind::Rparen, 1),
            ('{', _) => (TokenKind::Lbrace, 1),
            ('}', _) => (TokenKind::Rbrace, 1),
            ('[', Some(']')) => (TokenKind::Flatten, 2),
            ('[', Some('?')) => (TokenKind::Filter, 2),
            ('[', _) => (TokenKind::Lbracket, 1),
            ('|', Some('|')) => (TokenKind::Or, 2),
            ('|', _) => (TokenKind::Pipe, 1),
            ('&', Some('&')) => (TokenKind::And, 2),
            ('&', _) => (TokenKind::Expref, 1),
            ('<', Some('=')) => (TokenKind::Lte, 2),
            ('<', _) => (TokenKind::Lt, 1),
            ('>', Some('=')) => (TokenKind::Gte, 2),
            ('>', _) => (TokenKind::Gt, 1),
            ('!', Some('=')) => (TokenKind::Ne, 2),
            ('!', _) => (TokenKind::Not, 1),
            ('=', Some('=')) => (TokenKind::Eq, 2),
            ('=', _) => return Err(self.error("Unknown token '='", start)),
            ('`', _) => return self.literal(),
            ('\'', _) => {
                let text = self.until('\'')?.replace("\\'", "'");
                return Ok(Token { kind: TokenKind::Literal, value: Value::Text(text), start });
            }
            ('"', _) => return self.quoted_identifier(),
            ('-' | '0'..='9', _) => return self.number(),
            ('a'..='z' | 'A'..='Z' | '_', _) => {
                let length = self.length_of(|character| character.is_ascii_alphanumeric() || character == '_');
                (TokenKind::UnquotedIdentifier, length)
            }
            (other, _) => return Err(self.error(&format!("Unknown token {other}"), start)),
        };
        self.at += length;
        let text: String = self.characters[start..self.at].iter().collect();
        Ok(Token { kind, value: Value::Text(text), start })
    }

    fn length_of(&self, belongs: impl Fn(char) -> bool) -> usize {
        1 + self.characters[self.at + 1..].iter().take_while(|character| belongs(**character)).count()
    }

    fn number(&mut self) -> Result<Token, String> {
        let start = self.at;
        self.at += self.length_of(|character| character.is_ascii_digit());
        let text: String = self.characters[start..self.at].iter().collect();
        match text.parse() {
            Ok(number) => Ok(Token { kind: TokenKind::Number, value: Value::Integer(number), start }),
            Err(_) => Err(self.error(&format!("Unknown token '{text}'"), start)),
        }
    }

    /// Reads up to the next delimiter without a backslash before it, and keeps the backslashes.
    fn until(&mut self, delimiter: char) -> Result<String, String> {
        let start = self.at;
        let mut text = String::new();
        self.at += 1;
        loop {
            let unclosed = |lexer: &Self| lexer.error(&format!("Unclosed {delimiter} delimiter"), start);
            let mut character = self.peek().ok_or_else(|| unclosed(self))?;
            if character == delimiter {
                self.at += 1;
                return Ok(text);
            }
            if character == '\\' {
                text.push('\\');
                self.at += 1;
                character = self.peek().ok_or_else(|| unclosed(self))?;
            }
            text.push(character);
            self.at += 1;
        }
    }

    fn literal(&mut self) -> Result<Token, String> {
        let start = self.at;
        let lexeme = self.until('`')?.replace("\\`", "`");
        // Invalid JSON is taken as a string without quotes, as in earlier versions of JMESPath.
        let value = json::read(&lexeme).or_else(|_| json::read(&format!("\"{}\"", lexeme.trim_start())));
        match value {
            Ok(value) => Ok(Token { kind: TokenKind::Literal, value, start }),
            Err(_) => Err(self.error(&format!("Bad token {lexeme}"), start)),
        }
    }

    fn quoted_identifier(&mut self) -> Result<Token, String> {
        let start = self.at;
        let lexeme = format!("\"{}\"", self.until('"')?);
        match json::read(&lexeme) {
            Ok(value) => Ok(Token { kind: TokenKind::QuotedIdentifier, value, start }),
            Err(error) => Err(self.error(error.split(':').next().unwrap_or_default(), start)),
        }
    }
}
