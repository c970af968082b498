//! The query protocol, which STS and IAM speak: a form comes in, XML goes out.

use actix_web::web::Query;
use serde_json::Value;

use super::{Api, ApiError, ErrorType};

/// The version of a service's interface; there is no other. It also tells the services apart.
pub(crate) const fn version(api: Api) -> &'static str {
    match api {
        Api::Iam => "2010-05-08",
        Api::CognitoIdentity | Api::Sts => "2011-06-15",
    }
}

fn namespace(api: Api) -> String {
    format!("https://{}.amazonaws.com/doc/{}/", api.signing_name(), version(api))
}

/// The parameters of a call, from a form's body or from a URL's query.
#[derive(Debug)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    pub(crate) fn parse(input: &[u8]) -> Result<Self, ApiError> {
        let broken = || ApiError::new(ErrorType::Serialization, "The parameters are no form.");
        let text = std::str::from_utf8(input).map_err(|_| broken())?;
        Query::<Vec<(String, String)>>::from_query(text).map(|Query(pairs)| Self(pairs)).map_err(|_| broken())
    }

    /// A parameter, as it stands there first.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find_map(|(key, value)| (key == name).then_some(value.as_str()))
    }

    /// A parameter that is a number.
    pub(crate) fn number(&self, name: &str) -> Result<Option<i64>, ApiError> {
        let broken = || ApiError::new(ErrorType::Serialization, format!("{name} is no number."));
        self.text(name).map(|text| text.parse().map_err(|_| broken())).transpose()
    }

    /// One field of each member of a list: `LIST.member.1.FIELD`, `LIST.member.2.FIELD` and so on.
    pub(crate) fn members(&self, list: &str, field: &str) -> Vec<&str> {
        let is_member = |key: &str| {
            let rest = key.strip_prefix(list).and_then(|rest| rest.strip_prefix(".member."));
            rest.and_then(|rest| rest.split_once('.')).is_some_and(|(_, name)| name == field)
        };
        self.0.iter().filter(|(key, _)| is_member(key)).map(|(_, value)| value.as_str()).collect()
    }
}

/// The document that carries an operation's output, which comes as the JSON of its members.
pub(super) fn answer_document(api: Api, operation: &str, output: &[u8], request_id: &str) -> Vec<u8> {
    let output = serde_json::from_slice(output).unwrap_or_default();
    let mut text = format!(r#"<{operation}Response xmlns="{}">"#, namespace(api));
    write_element(&mut text, &format!("{operation}Result"), &output);
    text.push_str("<ResponseMetadata>");
    write_text(&mut text, "RequestId", request_id);
    text.push_str("</ResponseMetadata>");
    text.push_str(&format!("</{operation}Response>"));
    text.into_bytes()
}

/// The document that carries a refusal.
pub(super) fn error_document(api: Api, fault: &ApiError, request_id: &str) -> Vec<u8> {
    let kind = if fault.error_type.status(api) < 500 { "Sender" } else { "Receiver" };
    let mut text = format!(r#"<ErrorResponse xmlns="{}"><Error>"#, namespace(api));
    write_text(&mut text, "Type", kind);
    write_text(&mut text, "Code", fault.error_type.name(api));
    write_text(&mut text, "Message", &fault.message);
    text.push_str("</Error>");
    write_text(&mut text, "RequestId", request_id);
    text.push_str("</ErrorResponse>");
    text.into_bytes()
}

fn write_element(out: &mut String, name: &str, value: &Value) {
    match value {
        Value::Object(members) => {
            out.push_str(&format!("<{name}>"));
            members.iter().for_each(|(name, value)| write_element(out, name, value));
            out.push_str(&format!("</{name}>"));
        }
        Value::String(text) => write_text(out, name, text),
        // No output of these operations has a list.
        other => write_text(out, name, &other.to_string()),
    }
}

fn write_text(out: &mut String, name: &str, text: &str) {
    out.push_str(&format!("<{name}>"));
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // XML 1.0 cannot have the others, not even escaped.
            c if c.is_control() && !matches!(c, '\t' | '\n' | '\r') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out.push_str(&format!("</{name}>"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_gives_its_texts_numbers_and_members() {
        let form = Form::parse(
            b"Name=a%2Bb+c&Seconds=900&Odd=x&L.member.1.arn=one&L.member.2.arn=two&L.member.2.b=no",
        );
        let form = form.unwrap();
        assert_eq!(form.text("Name"), Some("a+b c"));
        assert_eq!(form.number("Seconds"), Ok(Some(900)));
        assert_eq!(form.number("Missing"), Ok(None));
        assert_eq!(form.number("Odd").unwrap_err().error_type, ErrorType::Serialization);
        assert_eq!(form.members("L", "arn"), ["one", "two"]);
    }

    #[test]
    fn a_document_escapes_what_would_break_it() {
        let output = br#"{"Arn":"a<b>&c","Inner":{"Size":3}}"#;
        assert_eq!(
            String::from_utf8(answer_document(Api::Sts, "Ask", output, "id-1")).unwrap(),
            "<AskResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AskResult><Arn>a&lt;b&gt;&amp;c</Arn>\
             <Inner><Size>3</Size></Inner></AskResult><ResponseMetadata><RequestId>id-1</RequestId>\
             </ResponseMetadata></AskResponse>"
        );
        let fault = ApiError::new(ErrorType::InvalidParameter, "no\u{1}");
        let document = String::from_utf8(error_document(Api::Iam, &fault, "id-2")).unwrap();
        assert!(document.contains("<Code>ValidationError</Code><Message>no\u{fffd}</Message>"), "{document}");
    }
}
