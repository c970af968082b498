//! Parser: builds a query's syntax tree, by top-down operator precedence (a Pratt parser) with the binding powers of
//! jmespath.py.

use super::lexer::{Token, TokenKind, tokenize};
use crate::language::value::{Value, repr_text};

#[derive(Debug, Clone)]
pub(super) enum Node {
    /// The current value: `@`, and the input of a projection without a left side.
    Current,
    Field(String),
    Index(i128),
    Slice([Option<i128>; 3]),
    Literal(Value),
    /// The second expression, applied to the result of the first: `a.b`, `a[0]`, `a | b`.
    Sequence(Box<Node>, Box<Node>),
    /// `a[*].b`
    Projection(Box<Node>, Box<Node>),
    /// `a.*.b`
    ValueProjection(Box<Node>, Box<Node>),
    /// `a[?condition].b`
    Filter {
        of: Box<Node>,
        then: Box<Node>,
        condition: Box<Node>,
    },
    /// `a[]`
    Flatten(Box<Node>),
    Compare(TokenKind, Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    And(Box<Node>, Box<Node>),
    Not(Box<Node>),
    /// `[a, b]`
    List(Vec<Node>),
    /// `{x: a, y: b}`
    Hash(Vec<(String, Node)>),
    Call(String, Vec<Node>),
    /// `&a`, for functions that evaluate it.
    Reference(Box<Node>),
}

/// Deeper than any query that a person writes. Limited because the parser is recursive.
const MAX_DEPTH: usize = 100;

pub(super) fn parse(expression: &str) -> Result<Node, String> {
    let mut parser = Parser { expression, tokens: tokenize(expression)?, at: 0, depth: 0 };
    let node = parser.expression(0)?;
    if parser.kind() == TokenKind::Eof {
        return Ok(node);
    }
    let token = parser.token();
    Err(parser.error(&token, &format!("Unexpected token: {}", token.value)))
}

/// The left binding power of a token.
fn binding_power(kind: TokenKind) -> u8 {
    match kind {
        TokenKind::Pipe => 1,
        TokenKind::Or => 2,
        TokenKind::And => 3,
        TokenKind::Eq | TokenKind::Gt | TokenKind::Lt | TokenKind::Gte | TokenKind::Lte | TokenKind::Ne => 5,
        TokenKind::Flatten => 9,
        TokenKind::Star => 20,
        TokenKind::Filter => 21,
        TokenKind::Dot => 40,
        TokenKind::Not => 45,
        TokenKind::Lbrace => 50,
        TokenKind::Lbracket => 55,
        TokenKind::Lparen => 60,
        _ => 0,
    }
}

/// A token with a lower binding power ends a projection.
const PROJECTION_STOP: u8 = 10;

struct Parser<'e> {
    expression: &'e str,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

fn boxed(node: Node) -> Box<Node> {
    Box::new(node)
}

impl Parser<'_> {
    /// The current token; after the last one, the end.
    fn token(&self) -> Token {
        let end = Token { kind: TokenKind::Eof, value: Value::text(""), start: self.expression.chars().count() };
        self.tokens.get(self.at).cloned().unwrap_or(end)
    }

    fn kind(&self) -> TokenKind {
        self.tokens.get(self.at).map_or(TokenKind::Eof, |token| token.kind)
    }

    fn kind_after(&self) -> TokenKind {
        self.tokens.get(self.at + 1).map_or(TokenKind::Eof, |token| token.kind)
    }

    fn error(&self, token: &Token, reason: &str) -> String {
        let Token { kind, value, start } = token;
        let (kind, expression) = (kind.name().to_uppercase(), self.expression);
        format!(
            "{reason}: Parse error at column {start}, token \"{value}\" ({kind}), for expression:\n\
             \"{expression}\"\n{}^",
            " ".repeat(start + 1)
        )
    }

    fn incomplete(&self) -> String {
        let expression = self.expression;
        let pointer = " ".repeat(expression.chars().count() + 1);
        format!("Invalid jmespath expression: Incomplete expression:\n\"{expression}\"\n{pointer}^")
    }

    fn expect(&mut self, kind: TokenKind) -> Result<(), String> {
        if self.kind() == kind {
            self.at += 1;
            return Ok(());
        }
        Err(self.unexpected(kind.name()))
    }

    fn unexpected(&self, expected: &str) -> String {
        let token = self.token();
        if token.kind == TokenKind::Eof {
            return self.incomplete();
        }
        self.error(&token, &format!("Expecting: {expected}, got: {}", token.kind.name()))
    }

    fn expression(&mut self, binding: u8) -> Result<Node, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("maximum recursion depth exceeded".to_owned());
        }
        let first = self.token();
        self.at += 1;
        let mut left = self.prefix(&first)?;
        while binding < binding_power(self.kind()) {
            let token = self.token();
            left = self.infix(left, &token)?;
        }
        self.depth -= 1;
        Ok(left)
    }

    /// Parses the expression that begins with this token.
    fn prefix(&mut self, token: &Token) -> Result<Node, String> {
        let text = || token.value.to_string();
        match token.kind {
            TokenKind::Literal => Ok(Node::Literal(token.value.clone())),
            TokenKind::UnquotedIdentifier => Ok(Node::Field(text())),
            TokenKind::QuotedIdentifier if self.kind() == TokenKind::Lparen => {
                let token = Token { start: 0, ..self.token() };
                Err(self.error(&token, "Quoted identifier not allowed for function names."))
            }
            TokenKind::QuotedIdentifier => Ok(Node::Field(text())),
            TokenKind::Star if self.kind() == TokenKind::Rbracket => {
                Ok(Node::ValueProjection(boxed(Node::Current), boxed(Node::Current)))
            }
            TokenKind::Star => {
                let then = self.projection_rhs(binding_power(TokenKind::Star))?;
                Ok(Node::ValueProjection(boxed(Node::Current), boxed(then)))
            }
            TokenKind::Filter => self.filter(Node::Current),
            TokenKind::Lbrace => self.hash(),
            TokenKind::Lparen => {
                let inner = self.expression(0)?;
                self.expect(TokenKind::Rparen)?;
                Ok(inner)
            }
            TokenKind::Flatten => self.flatten(Node::Current),
            TokenKind::Not => Ok(Node::Not(boxed(self.expression(binding_power(TokenKind::Not))?))),
            TokenKind::Lbracket if matches!(self.kind(), TokenKind::Number | TokenKind::Colon) => {
                self.index(Node::Current)
            }
            TokenKind::Lbracket if self.kind() == TokenKind::Star && self.kind_after() == TokenKind::Rbracket => {
                self.star(Node::Current)
            }
            TokenKind::Lbracket => self.list(),
            TokenKind::Current => Ok(Node::Current),
            TokenKind::Expref => Ok(Node::Reference(boxed(self.expression(0)?))),
            TokenKind::Eof => Err(self.incomplete()),
            _ => Err(self.error(token, "invalid token")),
        }
    }

    /// Parses the expression that continues `left` with this token.
    fn infix(&mut self, left: Node, token: &Token) -> Result<Node, String> {
        self.at += 1;
        match token.kind {
            TokenKind::Dot if self.kind() == TokenKind::Star => {
                self.at += 1;
                let then = self.projection_rhs(binding_power(TokenKind::Dot))?;
                Ok(Node::ValueProjection(boxed(left), boxed(then)))
            }
            TokenKind::Dot => Ok(Node::Sequence(boxed(left), boxed(self.dot_rhs(binding_power(TokenKind::Dot))?))),
            TokenKind::Pipe => Ok(Node::Sequence(boxed(left), boxed(self.expression(binding_power(TokenKind::Pipe))?))),
            TokenKind::Or => Ok(Node::Or(boxed(left), boxed(self.expression(binding_power(TokenKind::Or))?))),
            TokenKind::And => Ok(Node::And(boxed(left), boxed(self.expression(binding_power(TokenKind::And))?))),
            TokenKind::Eq | TokenKind::Ne | TokenKind::Gt | TokenKind::Gte | TokenKind::Lt | TokenKind::Lte => {
                Ok(Node::Compare(token.kind, boxed(left), boxed(self.expression(binding_power(token.kind))?)))
            }
            TokenKind::Lparen => self.call(&left),
            TokenKind::Filter => self.filter(left),
            TokenKind::Flatten => self.flatten(left),
            TokenKind::Lbracket if matches!(self.kind(), TokenKind::Number | TokenKind::Colon) => self.index(left),
            TokenKind::Lbracket => self.star(left),
            _ => Err(self.error(token, "invalid token")),
        }
    }

    fn call(&mut self, left: &Node) -> Result<Node, String> {
        let Node::Field(name) = left else {
            let token = self.tokens[self.at.saturating_sub(2)].clone();
            return Err(self.error(&token, &format!("Invalid function name '{}'", token.value)));
        };
        let mut arguments = Vec::new();
        while self.kind() != TokenKind::Rparen {
            arguments.push(self.expression(0)?);
            if self.kind() == TokenKind::Comma {
                self.at += 1;
            }
        }
        self.at += 1;
        Ok(Node::Call(name.clone(), arguments))
    }

    fn filter(&mut self, left: Node) -> Result<Node, String> {
        let condition = self.expression(0)?;
        self.expect(TokenKind::Rbracket)?;
        let then = match self.kind() {
            TokenKind::Flatten => Node::Current,
            _ => self.projection_rhs(binding_power(TokenKind::Filter))?,
        };
        Ok(Node::Filter { of: boxed(left), then: boxed(then), condition: boxed(condition) })
    }

    fn flatten(&mut self, left: Node) -> Result<Node, String> {
        let then = self.projection_rhs(binding_power(TokenKind::Flatten))?;
        Ok(Node::Projection(boxed(Node::Flatten(boxed(left))), boxed(then)))
    }

    fn star(&mut self, left: Node) -> Result<Node, String> {
        self.expect(TokenKind::Star)?;
        self.expect(TokenKind::Rbracket)?;
        let then = self.projection_rhs(binding_power(TokenKind::Star))?;
        Ok(Node::Projection(boxed(left), boxed(then)))
    }

    fn index(&mut self, left: Node) -> Result<Node, String> {
        if self.kind() != TokenKind::Colon && self.kind_after() != TokenKind::Colon {
            let Value::Integer(index) = self.token().value else { return Err(self.unexpected("number")) };
            self.at += 1;
            self.expect(TokenKind::Rbracket)?;
            return Ok(Node::Sequence(boxed(left), boxed(Node::Index(index))));
        }
        let mut parts = [None; 3];
        let mut part = 0;
        while self.kind() != TokenKind::Rbracket {
            match self.token() {
                Token { kind: TokenKind::Colon, .. } if part < 2 => part += 1,
                Token { kind: TokenKind::Number, value: Value::Integer(number), .. } => parts[part] = Some(number),
                token => return Err(self.error(&token, "syntax error")),
            }
            self.at += 1;
        }
        self.at += 1;
        let slice = Node::Sequence(boxed(left), boxed(Node::Slice(parts)));
        let then = self.projection_rhs(binding_power(TokenKind::Star))?;
        Ok(Node::Projection(boxed(slice), boxed(then)))
    }

    fn list(&mut self) -> Result<Node, String> {
        let mut all = Vec::new();
        loop {
            all.push(self.expression(0)?);
            if self.kind() == TokenKind::Rbracket {
                self.at += 1;
                return Ok(Node::List(all));
            }
            self.expect(TokenKind::Comma)?;
        }
    }

    fn hash(&mut self) -> Result<Node, String> {
        let mut all = Vec::new();
        loop {
            let Token { kind: TokenKind::QuotedIdentifier | TokenKind::UnquotedIdentifier, value, .. } = self.token()
            else {
                return Err(self.unexpected(&names(&[TokenKind::QuotedIdentifier, TokenKind::UnquotedIdentifier])));
            };
            self.at += 1;
            self.expect(TokenKind::Colon)?;
            all.push((value.to_string(), self.expression(0)?));
            match self.kind() {
                TokenKind::Comma => self.at += 1,
                TokenKind::Rbrace => {
                    self.at += 1;
                    return Ok(Node::Hash(all));
                }
                // jmespath.py expects the next name here, and reports its absence.
                _ => {}
            }
        }
    }

    /// Parses the expression that a projection applies to each element.
    fn projection_rhs(&mut self, binding: u8) -> Result<Node, String> {
        match self.kind() {
            kind if binding_power(kind) < PROJECTION_STOP => Ok(Node::Current),
            TokenKind::Lbracket | TokenKind::Filter => self.expression(binding),
            TokenKind::Dot => {
                self.at += 1;
                self.dot_rhs(binding)
            }
            _ => Err(self.error(&self.token(), "syntax error")),
        }
    }

    fn dot_rhs(&mut self, binding: u8) -> Result<Node, String> {
        match self.kind() {
            TokenKind::QuotedIdentifier | TokenKind::UnquotedIdentifier | TokenKind::Star => self.expression(binding),
            TokenKind::Lbracket => {
                self.at += 1;
                self.list()
            }
            TokenKind::Lbrace => {
                self.at += 1;
                self.hash()
            }
            kind => {
                let allowed = names(&[
                    TokenKind::QuotedIdentifier,
                    TokenKind::UnquotedIdentifier,
                    TokenKind::Lbracket,
                    TokenKind::Lbrace,
                ]);
                Err(self.error(&self.token(), &format!("Expecting: {allowed}, got: {}", kind.name())))
            }
        }
    }
}

fn names(kinds: &[TokenKind]) -> String {
    format!("[{}]", kinds.iter().map(|kind| repr_text(kind.name())).collect::<Vec<_>>().join(", "))
}
