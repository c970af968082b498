//! A proxy for the emulator that scripts GetCredentialsForIdentity and forwards all other operations.

use std::sync::{Arc, Mutex};

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::{Value, json};

use crate::support::TestApp;

#[derive(Default)]
struct Script {
    emulator: String,
    refusal: Option<(String, bool)>,
    change: Value,
    calls: usize,
    last: (String, Value),
}

pub struct ScriptedCredentials {
    script: Arc<Mutex<Script>>,
    handle: ServerHandle,
}

impl ScriptedCredentials {
    /// An app with this as its upstream.
    pub async fn app(overlay: &str) -> (TestApp, Self) {
        let script = Arc::new(Mutex::new(Script::default()));
        let shared = script.clone();
        let server = HttpServer::new(move || {
            App::new().app_data(web::Data::from(shared.clone())).default_service(web::to(answer))
        });
        let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        let app = TestApp::with(&format!("upstream.endpoint_url = \"{url}\"\n{overlay}")).await;
        script.lock().unwrap().emulator = app.emulator.url();
        (app, Self { script, handle })
    }

    pub fn refuse(&self, error: &str) {
        self.script.lock().unwrap().refusal = Some((error.to_owned(), false));
    }

    pub fn refuse_once(&self, error: &str) {
        self.script.lock().unwrap().refusal = Some((error.to_owned(), true));
    }

    /// Replaces these members of the emulator's response.
    pub fn change(&self, change: &Value) {
        self.script.lock().unwrap().change = change.clone();
    }

    pub fn answer_well(&self) {
        let mut script = self.script.lock().unwrap();
        script.refusal = None;
        script.change = Value::Null;
    }

    pub fn calls(&self) -> usize {
        self.script.lock().unwrap().calls
    }

    /// The `Authorization` header and the input of the last call.
    pub fn last(&self) -> (String, Value) {
        self.script.lock().unwrap().last.clone()
    }
}

impl Drop for ScriptedCredentials {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

async fn answer(request: HttpRequest, body: web::Bytes, script: web::Data<Mutex<Script>>) -> HttpResponse {
    let header = |name: &str| request.headers().get(name).map_or("", |value| value.to_str().unwrap());
    let is_scripted = header("x-amz-target").ends_with(".GetCredentialsForIdentity");
    let (emulator, refusal, change) = {
        let mut script = script.lock().unwrap();
        let mut refusal = None;
        if is_scripted {
            script.calls += 1;
            script.last = (header("authorization").to_owned(), serde_json::from_slice(&body).unwrap());
            refusal = script.refusal.clone().map(|(error, _)| error);
            script.refusal.take_if(|(_, once)| *once);
        }
        (script.emulator.clone(), refusal, script.change.clone())
    };
    if let Some(error) = refusal {
        let body = json!({"__type": error, "message": "Invalid role. Check assigned IAM roles for this pool."});
        return HttpResponse::BadRequest().content_type("application/x-amz-json-1.1").body(body.to_string());
    }
    let mut onward = reqwest::Client::builder().no_proxy().build().unwrap().post(emulator).body(body.to_vec());
    for (name, value) in request.headers() {
        onward = onward.header(name.as_str(), value.as_bytes());
    }
    let answered = onward.send().await.unwrap();
    let status = StatusCode::from_u16(answered.status().as_u16()).unwrap();
    let mut text = answered.text().await.unwrap();
    if is_scripted {
        let mut json = serde_json::from_str(&text).unwrap();
        lay_over(&mut json, &change);
        text = json.to_string();
    }
    HttpResponse::build(status).content_type("application/x-amz-json-1.1").body(text)
}

fn lay_over(below: &mut Value, above: &Value) {
    match (below, above) {
        (_, Value::Null) => {}
        (Value::Object(below), Value::Object(above)) => {
            for (key, value) in above {
                match value {
                    Value::Null => drop(below.remove(key)),
                    value => lay_over(&mut below[key], value),
                }
            }
        }
        (below, above) => *below = above.clone(),
    }
}
