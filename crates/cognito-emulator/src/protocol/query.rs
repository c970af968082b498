//! The query protocol of STS and IAM: form input, XML output.

use actix_web::web::Query;
use serde_json::Value;

use super::error::{ErrorType, OperationError};
use super::service::AwsService;

/// The only version of a service's API. Requests are assigned to a service by it.
pub(crate) const fn version(service: AwsService) -> &'static str {
    match service {
        AwsService::Iam => "2010-05-08",
        AwsService::CognitoIdentity | AwsService::Sts => "2011-06-15",
    }
}

fn namespace(service: AwsService) -> String {
    format!("https://{}.amazonaws.com/doc/{}/", service.signing_name(), version(service))
}

/// The parameters of a request, from the form in the body or from the query of the URL.
#[derive(Debug)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    pub(crate) fn parse(input: &[u8]) -> Result<Self, OperationError> {
        let malformed = || OperationError::new(ErrorType::Serialization, "The parameters are not a valid form.");
        let text = std::str::from_utf8(input).map_err(|_| malformed())?;
        Query::<Vec<(String, String)>>::from_query(text).map(|Query(pairs)| Self(pairs)).map_err(|_| malformed())
    }

    /// The first value of a parameter.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find_map(|(key, value)| (key == name).then_some(value.as_str()))
    }

    /// A numeric parameter.
    pub(crate) fn number(&self, name: &str) -> Result<Option<i64>, OperationError> {
        let malformed = || OperationError::new(ErrorType::Serialization, format!("{name} is not a number."));
        self.text(name).map(|text| text.parse().map_err(|_| malformed())).transpose()
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

/// The XML document of an operation's output, which is given as JSON.
pub(super) fn response_document(service: AwsService, operation: &str, output: &[u8], request_id: &str) -> Vec<u8> {
    let output = serde_json::from_slice(output).unwrap_or_default();
    let mut text = format!(r#"<{operation}Response xmlns="{}">"#, namespace(service));
    write_element(&mut text, &format!("{operation}Result"), &output);
    text.push_str("<ResponseMetadata>");
    write_text(&mut text, "RequestId", request_id);
    text.push_str("</ResponseMetadata>");
    text.push_str(&format!("</{operation}Response>"));
    text.into_bytes()
}

/// The XML document of an error.
pub(super) fn error_document(service: AwsService, error: &OperationError, request_id: &str) -> Vec<u8> {
    let kind = if error.error_type.status(service) < 500 { "Sender" } else { "Receiver" };
    let mut text = format!(r#"<ErrorResponse xmlns="{}"><Error>"#, namespace(service));
    write_text(&mut text, "Type", kind);
    write_text(&mut text, "Code", error.error_type.name(service));
    write_text(&mut text, "Message", &error.message);
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
        // No output of these operations contains a list.
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
            // XML 1.0 does not allow the others, not even escaped.
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
    fn texts_numbers_and_list_members_are_read_from_a_form() {
        let form = Form::parse(b"Name=a%2Bb+c&Seconds=900&Odd=x&L.member.1.arn=one&L.member.2.arn=two&L.member.2.b=no");
        let form = form.unwrap();
        assert_eq!(form.text("Name"), Some("a+b c"));
        assert_eq!(form.number("Seconds"), Ok(Some(900)));
        assert_eq!(form.number("Missing"), Ok(None));
        assert_eq!(form.number("Odd").unwrap_err().error_type, ErrorType::Serialization);
        assert_eq!(form.members("L", "arn"), ["one", "two"]);
    }

    #[test]
    fn special_characters_are_escaped_in_a_document() {
        let output = br#"{"Arn":"a<b>&c","Inner":{"Size":3}}"#;
        assert_eq!(
            String::from_utf8(response_document(AwsService::Sts, "Ask", output, "id-1")).unwrap(),
            "<AskResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AskResult><Arn>a&lt;b&gt;&amp;c</Arn>\
             <Inner><Size>3</Size></Inner></AskResult><ResponseMetadata><RequestId>id-1</RequestId>\
             </ResponseMetadata></AskResponse>"
        );
        let error = OperationError::new(ErrorType::InvalidParameter, "no\u{1}");
        let document = String::from_utf8(error_document(AwsService::Iam, &error, "id-2")).unwrap();
        assert!(document.contains("<Code>ValidationError</Code><Message>no\u{fffd}</Message>"), "{document}");
    }
}
