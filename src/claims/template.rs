//! Templates over claims: `"{iss}|{sub}"`. `{name}` is a claim, `{/a/b}` a nested one (a JSON pointer), `{{` and `}}`
//! are literal braces.
//!
//! Two different sets of claims never render to the same text. There is always fixed text between two claims, and a
//! claim's value may not contain the first character of the fixed text after it. Otherwise the user `b` of the tenant
//! `a:` could become the user `:b` of the tenant `a`.

use std::borrow::Cow;

use serde_json::Value;

use super::{ClaimPath, Claims};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// Never empty, never two in a row.
    Fixed(String),
    Claim(ClaimPath),
}

/// Why a template cannot be rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    #[error("a claim of the template is missing")]
    Missing,
    #[error("a claim of the template has an invalid value")]
    Invalid,
}

impl Template {
    /// # Errors
    /// An unmatched brace, an empty name, or two claims with nothing between them.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut template = Self(Vec::new());
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from_brace) = rest.split_at(at);
            template.push_fixed(before);
            if let Some(doubled) = ["{{", "}}"].into_iter().find(|doubled| from_brace.starts_with(doubled)) {
                template.push_fixed(&doubled[1..]);
                rest = &from_brace[2..];
                continue;
            }
            let (name, after) = from_brace
                .strip_prefix('{')
                .ok_or("it has a '}' without its '{'; a literal brace is written '}}'")?
                .split_once('}')
                .ok_or("it has a '{' without its '}'; a literal brace is written '{{'")?;
            if matches!(template.0.last(), Some(Part::Claim(_))) {
                return Err(format!("nothing stands before {{{name}}} to mark where the claim before it ends"));
            }
            template.0.push(Part::Claim(ClaimPath::parse(name)?));
            rest = after;
        }
        template.push_fixed(rest);
        Ok(template)
    }

    fn push_fixed(&mut self, text: &str) {
        match self.0.last_mut() {
            _ if text.is_empty() => {}
            Some(Part::Fixed(before)) => before.push_str(text),
            _ => self.0.push(Part::Fixed(text.to_owned())),
        }
    }

    /// The same template with the known value of a top-level claim filled in.
    #[must_use]
    pub fn with_known_claim(&self, claim: &str, value: &str) -> Self {
        let mut filled = Self(Vec::new());
        for part in &self.0 {
            match part {
                Part::Fixed(text) => filled.push_fixed(text),
                Part::Claim(path) if path == &ClaimPath(vec![claim.into()]) => filled.push_fixed(value),
                Part::Claim(_) => filled.0.push(part.clone()),
            }
        }
        filled
    }

    /// The fixed text at its start.
    pub fn fixed_prefix(&self) -> &str {
        match self.0.first() {
            Some(Part::Fixed(text)) => text,
            _ => "",
        }
    }

    pub fn claims(&self) -> impl Iterator<Item = &ClaimPath> {
        self.0.iter().filter_map(|part| match part {
            Part::Fixed(_) => None,
            Part::Claim(path) => Some(path),
        })
    }

    /// Renders the claims. `text_of` converts a claim's value to text, if the value is valid. Empty text counts as
    /// missing.
    ///
    /// # Errors
    /// A claim is missing or invalid.
    pub fn render<'c>(
        &self,
        claims: &'c Claims,
        text_of: impl Fn(&'c Value) -> Option<Cow<'c, str>>,
    ) -> Result<String, RenderError> {
        let mut rendered = String::new();
        let mut parts = self.0.iter().peekable();
        while let Some(part) = parts.next() {
            let path = match part {
                Part::Fixed(text) => {
                    rendered.push_str(text);
                    continue;
                }
                Part::Claim(path) => path,
            };
            let text = text_of(claims.get(path).ok_or(RenderError::Missing)?).ok_or(RenderError::Invalid)?;
            if text.is_empty() {
                return Err(RenderError::Missing);
            }
            let end = parts.peek().and_then(|next| match next {
                Part::Fixed(text) => text.chars().next(),
                Part::Claim(_) => None,
            });
            // The end of the last claim is unambiguous: only fixed text follows.
            let is_last = parts.clone().all(|later| matches!(later, Part::Fixed(_)));
            if !is_last && end.is_some_and(|end| text.contains(end)) {
                return Err(RenderError::Invalid);
            }
            rendered.push_str(&text);
        }
        Ok(rendered)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn render(template: &str, claims: Value) -> Result<String, RenderError> {
        let claims = Claims::verified(claims.as_object().unwrap().clone());
        Template::parse(template).unwrap().render(&claims, |value| value.as_str().map(Cow::Borrowed))
    }

    #[test]
    fn claims_are_rendered_in_their_places() {
        let claims = json!({"iss": "https://a", "sub": "u", "org": {"id": "o"}});
        for (template, rendered) in [
            ("{sub}", "u"),
            ("web:{sub}", "web:u"),
            ("{iss}|{sub}", "https://a|u"),
            ("{/org/id}-{sub}!", "o-u!"),
            ("fixed", "fixed"),
            ("{{{sub}}}", "{u}"),
        ] {
            assert_eq!(render(template, claims.clone()), Ok(rendered.to_owned()), "{template}");
        }
    }

    #[test]
    fn missing_and_invalid_claims_are_different_errors() {
        assert_eq!(render("{sub}", json!({})), Err(RenderError::Missing));
        assert_eq!(render("{sub}", json!({"sub": ""})), Err(RenderError::Missing));
        assert_eq!(render("{sub}", json!({"sub": 1})), Err(RenderError::Invalid));
        assert_eq!(render("{a}:{sub}", json!({"a": "x:", "sub": "u"})), Err(RenderError::Invalid));
        assert_eq!(render("{a}:{sub}", json!({"a": "x", "sub": ":u"})), Ok("x::u".to_owned()));
    }

    #[test]
    fn an_invalid_template_is_rejected_with_the_reason() {
        for (bad, why) in [
            ("{sub", "without its '}'"),
            ("sub}", "without its '{'"),
            ("{}", "empty"),
            ("{a}{b}", "nothing stands before {b}"),
            ("{/a//b}", "empty"),
        ] {
            let error = Template::parse(bad).unwrap_err();
            assert!(error.contains(why), "{bad}: {error}");
        }
    }

    #[test]
    fn a_known_claim_becomes_fixed_text() {
        let template = Template::parse("<{iss}>{sub}").unwrap().with_known_claim("iss", "https://{a}");
        assert_eq!(template.fixed_prefix(), "<https://{a}>");
        assert_eq!(template.claims().count(), 1);
    }

    proptest! {
        #[test]
        fn two_sets_of_claims_never_render_to_the_same_text(
            one in ("[a:/]{1,4}", "[a:/]{1,4}"), other in ("[a:/]{1,4}", "[a:/]{1,4}"),
        ) {
            let rendered = |(a, b): &(String, String)| render("x{a}:/{b}", json!({"a": a, "b": b}));
            if let (Ok(first), Ok(second)) = (rendered(&one), rendered(&other)) {
                prop_assert_eq!(first == second, one == other);
            }
        }
    }
}
