//! A query's text becomes tokens.

use crate::language::json;
use crate::language::value::Value;

/// What a token is. The names are jmespath.py's, which its errors show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
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

impl Kind {
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
    pub(super) kind: Kind,
    pub(super) value: Value,
    /// The character that it begins at.
    pub(super) start: usize,
}

/// The tokens, the last of which is [`Kind::Eof`].
pub(super) fn tokens(expression: &str) -> Result<Vec<Token>, String> {
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
    tokens.push(Token { kind: Kind::Eof, value: Value::text(""), start: lexer.at });
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

    fn fault(&self, message: &str, position: usize) -> String {
        format!("Bad jmespath expression: {message}:\n{}\n{}^", self.expression, " ".repeat(position))
    }

    fn token(&mut self, character: char) -> Result<Token, String> {
        let start = self.at;
        let next = self.characters.get(start + 1).copied();
        let (kind, length) = match (character, next) {
            ('.', _) => (Kind::Dot, 1),
            ('*', _) => (Kind::Star, 1),
            (']', _) => (Kind::Rbracket, 1),
            (',', _) => (Kind::Comma, 1),
            (':', _) => (Kind::Colon, 1),
            ('@', _) => (Kind::Current, 1),
            ('(', _) => (Kind::Lparen, 1),
            (')', _) => (Kind::Rparen, 1),
            ('{', _) => (Kind::Lbrace, 1),
            ('}', _) => (Kind::Rbrace, 1),
            ('[', Some(']')) => (Kind::Flatten, 2),
            ('[', Some('?')) => (Kind::Filter, 2),
            ('[', _) => (Kind::Lbracket, 1),
            ('|', Some('|')) => (Kind::Or, 2),
            ('|', _) => (Kind::Pipe, 1),
            ('&', Some('&')) => (Kind::And, 2),
            ('&', _) => (Kind::Expref, 1),
            ('<', Some('=')) => (Kind::Lte, 2),
            ('<', _) => (Kind::Lt, 1),
            ('>', Some('=')) => (Kind::Gte, 2),
            ('>', _) => (Kind::Gt, 1),
            ('!', Some('=')) => (Kind::Ne, 2),
            ('!', _) => (Kind::Not, 1),
            ('=', Some('=')) => (Kind::Eq, 2),
            ('=', _) => return Err(self.fault("Unknown token '='", start)),
            ('`', _) => return self.literal(),
            ('\'', _) => {
                let text = self.until('\'')?.replace("\\'", "'");
                return Ok(Token { kind: Kind::Literal, value: Value::Text(text), start });
            }
            ('"', _) => return self.quoted_identifier(),
            ('-' | '0'..='9', _) => return self.number(),
            ('a'..='z' | 'A'..='Z' | '_', _) => {
                let length =
                    self.length_of(|character| character.is_ascii_alphanumeric() || character == '_');
                (Kind::UnquotedIdentifier, length)
            }
            (other, _) => return Err(self.fault(&format!("Unknown token {other}"), start)),
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
            Ok(number) => Ok(Token { kind: Kind::Number, value: Value::Integer(number), start }),
            Err(_) => Err(self.fault(&format!("Unknown token '{text}'"), start)),
        }
    }

    /// What stands between here and the next delimiter that no backslash is before; backslashes stay.
    fn until(&mut self, delimiter: char) -> Result<String, String> {
        let start = self.at;
        let mut text = String::new();
        self.at += 1;
        loop {
            let unclosed = |lexer: &Self| lexer.fault(&format!("Unclosed {delimiter} delimiter"), start);
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
        // What is no JSON counts as a string without quotes: the language had that once.
        let value = json::read(&lexeme).or_else(|_| json::read(&format!("\"{}\"", lexeme.trim_start())));
        match value {
            Ok(value) => Ok(Token { kind: Kind::Literal, value, start }),
            Err(_) => Err(self.fault(&format!("Bad token {lexeme}"), start)),
        }
    }

    fn quoted_identifier(&mut self) -> Result<Token, String> {
        let start = self.at;
        let lexeme = format!("\"{}\"", self.until('"')?);
        match json::read(&lexeme) {
            Ok(value) => Ok(Token { kind: Kind::QuotedIdentifier, value, start }),
            Err(words) => Err(self.fault(words.split(':').next().unwrap_or_default(), start)),
        }
    }
}
