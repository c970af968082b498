//! Tokens become a tree: a top-down operator precedence parser (Pratt's), with the binding powers of
//! jmespath.py.

use super::lexer::{Kind, Token, tokens};
use crate::language::value::{Value, quoted};

#[derive(Debug, Clone)]
pub(super) enum Node {
    /// What stands here, unchanged: `@`, and what a projection begins with.
    Current,
    Field(String),
    Index(i128),
    Slice([Option<i128>; 3]),
    Literal(Value),
    /// One after the other: `a.b`, `a[0]`, `a | b`.
    Then(Box<Node>, Box<Node>),
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
    Compare(Kind, Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    And(Box<Node>, Box<Node>),
    Not(Box<Node>),
    /// `[a, b]`
    List(Vec<Node>),
    /// `{x: a, y: b}`
    Hash(Vec<(String, Node)>),
    Call(String, Vec<Node>),
    /// `&a`, for functions that apply it.
    Reference(Box<Node>),
}

/// Deeper than any query that a person writes. Bounded, because the parser calls itself.
const DEEPEST: usize = 100;

pub(super) fn parse(expression: &str) -> Result<Node, String> {
    let mut parser = Parser { expression, tokens: tokens(expression)?, at: 0, depth: 0 };
    let node = parser.expression(0)?;
    if parser.kind() == Kind::Eof {
        return Ok(node);
    }
    let token = parser.token();
    Err(parser.fault(&token, &format!("Unexpected token: {}", token.value)))
}

/// How strongly a token holds on to what is to its left.
fn power(kind: Kind) -> u8 {
    match kind {
        Kind::Pipe => 1,
        Kind::Or => 2,
        Kind::And => 3,
        Kind::Eq | Kind::Gt | Kind::Lt | Kind::Gte | Kind::Lte | Kind::Ne => 5,
        Kind::Flatten => 9,
        Kind::Star => 20,
        Kind::Filter => 21,
        Kind::Dot => 40,
        Kind::Not => 45,
        Kind::Lbrace => 50,
        Kind::Lbracket => 55,
        Kind::Lparen => 60,
        _ => 0,
    }
}

/// A token that binds less than this ends a projection.
const ENDS_PROJECTION: u8 = 10;

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
    /// The token here. Nothing reads past the last one, which is the end.
    fn token(&self) -> Token {
        let end = Token { kind: Kind::Eof, value: Value::text(""), start: self.expression.chars().count() };
        self.tokens.get(self.at).cloned().unwrap_or(end)
    }

    fn kind(&self) -> Kind {
        self.tokens.get(self.at).map_or(Kind::Eof, |token| token.kind)
    }

    fn kind_after(&self) -> Kind {
        self.tokens.get(self.at + 1).map_or(Kind::Eof, |token| token.kind)
    }

    fn fault(&self, token: &Token, reason: &str) -> String {
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

    fn takes(&mut self, kind: Kind) -> Result<(), String> {
        if self.kind() == kind {
            self.at += 1;
            return Ok(());
        }
        Err(self.expected(kind.name()))
    }

    fn expected(&self, what: &str) -> String {
        let token = self.token();
        if token.kind == Kind::Eof {
            return self.incomplete();
        }
        self.fault(&token, &format!("Expecting: {what}, got: {}", token.kind.name()))
    }

    fn expression(&mut self, binding: u8) -> Result<Node, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("maximum recursion depth exceeded".to_owned());
        }
        let first = self.token();
        self.at += 1;
        let mut left = self.begin(&first)?;
        while binding < power(self.kind()) {
            let token = self.token();
            left = self.go_on(left, &token)?;
        }
        self.depth -= 1;
        Ok(left)
    }

    /// The expression that begins with this token.
    fn begin(&mut self, token: &Token) -> Result<Node, String> {
        let text = || token.value.to_string();
        match token.kind {
            Kind::Literal => Ok(Node::Literal(token.value.clone())),
            Kind::UnquotedIdentifier => Ok(Node::Field(text())),
            Kind::QuotedIdentifier if self.kind() == Kind::Lparen => {
                let token = Token { start: 0, ..self.token() };
                Err(self.fault(&token, "Quoted identifier not allowed for function names."))
            }
            Kind::QuotedIdentifier => Ok(Node::Field(text())),
            Kind::Star if self.kind() == Kind::Rbracket => {
                Ok(Node::ValueProjection(boxed(Node::Current), boxed(Node::Current)))
            }
            Kind::Star => {
                let then = self.projected(power(Kind::Star))?;
                Ok(Node::ValueProjection(boxed(Node::Current), boxed(then)))
            }
            Kind::Filter => self.filter(Node::Current),
            Kind::Lbrace => self.hash(),
            Kind::Lparen => {
                let inner = self.expression(0)?;
                self.takes(Kind::Rparen)?;
                Ok(inner)
            }
            Kind::Flatten => self.flatten(Node::Current),
            Kind::Not => Ok(Node::Not(boxed(self.expression(power(Kind::Not))?))),
            Kind::Lbracket if matches!(self.kind(), Kind::Number | Kind::Colon) => self.index(Node::Current),
            Kind::Lbracket if self.kind() == Kind::Star && self.kind_after() == Kind::Rbracket => {
                self.star(Node::Current)
            }
            Kind::Lbracket => self.list(),
            Kind::Current => Ok(Node::Current),
            Kind::Expref => Ok(Node::Reference(boxed(self.expression(0)?))),
            Kind::Eof => Err(self.incomplete()),
            _ => Err(self.fault(token, "invalid token")),
        }
    }

    /// The expression that goes on after `left` with this token.
    fn go_on(&mut self, left: Node, token: &Token) -> Result<Node, String> {
        self.at += 1;
        match token.kind {
            Kind::Dot if self.kind() == Kind::Star => {
                self.at += 1;
                let then = self.projected(power(Kind::Dot))?;
                Ok(Node::ValueProjection(boxed(left), boxed(then)))
            }
            Kind::Dot => Ok(Node::Then(boxed(left), boxed(self.after_dot(power(Kind::Dot))?))),
            Kind::Pipe => Ok(Node::Then(boxed(left), boxed(self.expression(power(Kind::Pipe))?))),
            Kind::Or => Ok(Node::Or(boxed(left), boxed(self.expression(power(Kind::Or))?))),
            Kind::And => Ok(Node::And(boxed(left), boxed(self.expression(power(Kind::And))?))),
            Kind::Eq | Kind::Ne | Kind::Gt | Kind::Gte | Kind::Lt | Kind::Lte => {
                Ok(Node::Compare(token.kind, boxed(left), boxed(self.expression(power(token.kind))?)))
            }
            Kind::Lparen => self.call(&left),
            Kind::Filter => self.filter(left),
            Kind::Flatten => self.flatten(left),
            Kind::Lbracket if matches!(self.kind(), Kind::Number | Kind::Colon) => self.index(left),
            Kind::Lbracket => self.star(left),
            _ => Err(self.fault(token, "invalid token")),
        }
    }

    fn call(&mut self, left: &Node) -> Result<Node, String> {
        let Node::Field(name) = left else {
            let token = self.tokens[self.at.saturating_sub(2)].clone();
            return Err(self.fault(&token, &format!("Invalid function name '{}'", token.value)));
        };
        let mut arguments = Vec::new();
        while self.kind() != Kind::Rparen {
            arguments.push(self.expression(0)?);
            if self.kind() == Kind::Comma {
                self.at += 1;
            }
        }
        self.at += 1;
        Ok(Node::Call(name.clone(), arguments))
    }

    fn filter(&mut self, left: Node) -> Result<Node, String> {
        let condition = self.expression(0)?;
        self.takes(Kind::Rbracket)?;
        let then = match self.kind() {
            Kind::Flatten => Node::Current,
            _ => self.projected(power(Kind::Filter))?,
        };
        Ok(Node::Filter { of: boxed(left), then: boxed(then), condition: boxed(condition) })
    }

    fn flatten(&mut self, left: Node) -> Result<Node, String> {
        let then = self.projected(power(Kind::Flatten))?;
        Ok(Node::Projection(boxed(Node::Flatten(boxed(left))), boxed(then)))
    }

    fn star(&mut self, left: Node) -> Result<Node, String> {
        self.takes(Kind::Star)?;
        self.takes(Kind::Rbracket)?;
        let then = self.projected(power(Kind::Star))?;
        Ok(Node::Projection(boxed(left), boxed(then)))
    }

    fn index(&mut self, left: Node) -> Result<Node, String> {
        if self.kind() != Kind::Colon && self.kind_after() != Kind::Colon {
            let Value::Integer(index) = self.token().value else { return Err(self.expected("number")) };
            self.at += 1;
            self.takes(Kind::Rbracket)?;
            return Ok(Node::Then(boxed(left), boxed(Node::Index(index))));
        }
        let mut parts = [None; 3];
        let mut part = 0;
        while self.kind() != Kind::Rbracket {
            match self.token() {
                Token { kind: Kind::Colon, .. } if part < 2 => part += 1,
                Token { kind: Kind::Number, value: Value::Integer(number), .. } => parts[part] = Some(number),
                token => return Err(self.fault(&token, "syntax error")),
            }
            self.at += 1;
        }
        self.at += 1;
        let slice = Node::Then(boxed(left), boxed(Node::Slice(parts)));
        let then = self.projected(power(Kind::Star))?;
        Ok(Node::Projection(boxed(slice), boxed(then)))
    }

    fn list(&mut self) -> Result<Node, String> {
        let mut all = Vec::new();
        loop {
            all.push(self.expression(0)?);
            if self.kind() == Kind::Rbracket {
                self.at += 1;
                return Ok(Node::List(all));
            }
            self.takes(Kind::Comma)?;
        }
    }

    fn hash(&mut self) -> Result<Node, String> {
        let mut all = Vec::new();
        loop {
            let Token { kind: Kind::QuotedIdentifier | Kind::UnquotedIdentifier, value, .. } = self.token()
            else {
                return Err(self.expected(&names(&[Kind::QuotedIdentifier, Kind::UnquotedIdentifier])));
            };
            self.at += 1;
            self.takes(Kind::Colon)?;
            all.push((value.to_string(), self.expression(0)?));
            match self.kind() {
                Kind::Comma => self.at += 1,
                Kind::Rbrace => {
                    self.at += 1;
                    return Ok(Node::Hash(all));
                }
                // jmespath.py asks for the next name here, and so finds what is missing.
                _ => {}
            }
        }
    }

    /// What is done to each element of a projection.
    fn projected(&mut self, binding: u8) -> Result<Node, String> {
        match self.kind() {
            kind if power(kind) < ENDS_PROJECTION => Ok(Node::Current),
            Kind::Lbracket | Kind::Filter => self.expression(binding),
            Kind::Dot => {
                self.at += 1;
                self.after_dot(binding)
            }
            _ => Err(self.fault(&self.token(), "syntax error")),
        }
    }

    fn after_dot(&mut self, binding: u8) -> Result<Node, String> {
        match self.kind() {
            Kind::QuotedIdentifier | Kind::UnquotedIdentifier | Kind::Star => self.expression(binding),
            Kind::Lbracket => {
                self.at += 1;
                self.list()
            }
            Kind::Lbrace => {
                self.at += 1;
                self.hash()
            }
            kind => {
                let allowed =
                    names(&[Kind::QuotedIdentifier, Kind::UnquotedIdentifier, Kind::Lbracket, Kind::Lbrace]);
                Err(self.fault(&self.token(), &format!("Expecting: {allowed}, got: {}", kind.name())))
            }
        }
    }
}

fn names(kinds: &[Kind]) -> String {
    format!("[{}]", kinds.iter().map(|kind| quoted(kind.name())).collect::<Vec<_>>().join(", "))
}
