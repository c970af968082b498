//! Users with similar names, for people or for programs that normalize them, are different users.

use std::collections::HashMap;

use crate::support::{TestApp, claims_of};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_with_similar_names_have_different_identities() {
    let app = TestApp::start().await;
    let mut owners = HashMap::new();
    let names = [
        "alice",
        "Alice",
        "ALICE",
        "\u{430}lice", // Cyrillic
        "alic\u{435}",
        "a1ice",
        "a\u{200b}lice", // zero width
        "alice\u{200d}",
        "\u{202e}ecila", // right to left
        "\u{ff41}lice",  // full width
        "alice\u{301}",
        "jos\u{e9}",   // one letter (NFC) ...
        "jose\u{301}", // ... or two (NFD)
        "\u{212b}",    // the ångström sign, which NFC makes ...
        "\u{c5}",      // ... this letter
        "\u{fb01}n",   // a ligature, which NFKC takes apart
        "fin",
        "stra\u{df}e",
        "strasse",
        "STRASSE",
        "I",
        "i",
        "\u{131}",
        "\u{130}",
        "0",
        "00",
        "-0",
        "0x0",
        "alice%40example.com",
        "alice@example.com",
        "alice+x@example.com",
        "alice/../bob",
        "bob",
        "alice:x",
        "alice\\u0000",
    ];
    for name in names {
        let answer = app.vend(name).await;
        assert_eq!(answer.source(), "miss", "{name:?} got another user's token");
        let amr = claims_of(&answer.token())["amr"][2].as_str().unwrap().to_owned();
        assert!(amr.ends_with(&format!(":{name}")), "{name:?} became {amr:?}");
        let identity = answer.json()["identityId"].to_string();
        assert_eq!(owners.insert(identity, name), None, "{name:?} has another user's identity");
    }
    for name in names {
        assert_eq!(app.vend(name).await.source(), "hit", "{name:?}");
    }
}
