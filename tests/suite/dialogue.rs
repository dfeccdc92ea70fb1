//! Logins, certificates and the life of connections, at a server that writes down what it hears.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use convoke::delivery::BackOff;
use convoke::input::relay::Relay;
use convoke::io::smtp::{Deadlines, Ending, Report, Route, Source, Work, client_config, drive};
use convoke::io::store::Store;
use convoke::journal::Armed;
use convoke::mail::AddrSpec;
use convoke::plan::{Errand, Purpose};
use data_encoding::BASE64;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use sqlx::{Connection as _, SqliteConnection};
use tokio::sync::Notify;

use crate::desk::{Desk, repository};
use crate::server::{Manners, Server};

fn guests(count: u32) -> Desk {
    let rows = (0..count).map(|n| format!("g{n}@x.example,Guest {n},ngo,en,Bern\n"));
    Desk::with_list(&format!("email,entity,kind,language,city\n{}", rows.collect::<String>()))
}

fn configure(desk: &Desk, relay: &str) {
    desk.write("convoke.toml", &format!("{}\n[[relay]]\n{relay}\n", desk.read("convoke.toml")));
}

/// Protection and identifier of each attempt, in their order.
fn attempts(desk: &Desk) -> Vec<(String, String)> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let url = format!("sqlite://{}", Store::path_in(&desk.path).display());
        let mut journal = SqliteConnection::connect(&url).await.expect("the journal");
        sqlx::query_as("SELECT tls, queue_id FROM attempt ORDER BY id").fetch_all(&mut journal).await.expect("attempts")
    })
}

#[test]
fn a_login_by_each_method_gets_in() {
    let plain = format!("AUTH PLAIN {}", BASE64.encode(b"\0me\0open sesame"));
    let answer = |line: &str, answer: &str| (line.to_owned(), answer.to_owned());
    let base64 = |text: &str| BASE64.encode(text.as_bytes());
    for (method, answers) in [
        ("plain", vec![answer(&plain, "235 2.7.0 welcome")]),
        (
            "login",
            vec![
                answer("AUTH LOGIN", "334 VXNlcm5hbWU6"),
                answer(&base64("me"), "334 UGFzc3dvcmQ6"),
                answer(&base64("open sesame"), "235 2.7.0 welcome"),
            ],
        ),
    ] {
        let desk = guests(1);
        let server = Server::start(Manners {
            offers: vec!["PIPELINING", "AUTH PLAIN LOGIN XOAUTH2"],
            answers,
            ..Manners::default()
        });
        configure(
            &desk,
            &format!(
                "url = \"smtp://me@127.0.0.1:{}\"\nauth = \"{method}\"\nehlo = \"mail.host.example\"\n\
                 password = {{ command = [\"echo\", \"open sesame\"] }}",
                server.port
            ),
        );
        desk.ends(0, &["send"]);
        assert_eq!(server.heard("AUTH").len(), 1);
        assert_eq!(server.heard("EHLO"), [(1, "EHLO mail.host.example".to_owned())]);
        assert_eq!(attempts(&desk), [(String::new(), "Q1N1".to_owned())]);
    }
}

#[cfg(unix)]
#[test]
fn a_token_is_fetched_for_each_connection_and_its_refusal_is_explained() {
    let line = |token: &str| {
        let exchange = format!("user=me\x01auth=Bearer {token}\x01\x01");
        format!("AUTH XOAUTH2 {}", BASE64.encode(exchange.as_bytes()))
    };
    let json = r#"{"status":"401","schemes":"bearer"}"#;
    let server = Server::start(Manners {
        offers: vec!["PIPELINING", "AUTH PLAIN XOAUTH2"],
        answers: vec![
            (line("fresh-1"), "235 2.7.0 ok".to_owned()),
            (line("fresh-2"), "235 2.7.0 ok".to_owned()),
            (line("fresh-3"), format!("334 {}", BASE64.encode(json.as_bytes()))),
            (String::new(), "535 5.7.8 token not accepted".to_owned()),
        ],
        ..Manners::default()
    });
    let desk = guests(3);
    configure(
        &desk,
        &format!(
            "url = \"smtp://me@127.0.0.1:{}\"\nauth = \"xoauth2\"\nmessages_per_connection = 1\nconnections = 1\n\
             token = {{ command = [\"sh\", \"-c\", \"echo x >> fetched; echo fresh-$(wc -l < fetched | tr -d ' ')\"] }}",
            server.port
        ),
    );
    let ran = desk.ends(1, &["send", "--no-wait"]);
    assert_eq!((desk.standing("SENT"), desk.standing("DEFERRED")), (2, 1), "{}", ran.err);
    assert_eq!(server.connections("AUTH"), [1, 2, 3]);
    assert!(ran.err.contains("535 5.7.8 token not accepted {\"status\":\"401\""), "{}", ran.err);
    assert!(!ran.err.contains("fresh") && !ran.out.contains("fresh"), "{}", ran.err);
}

#[test]
fn a_connection_carries_as_many_messages_as_it_may() {
    let server = Server::start(Manners { offers: vec!["PIPELINING"], ..Manners::default() });
    let desk = guests(5);
    configure(
        &desk,
        &format!("url = \"smtp://127.0.0.1:{}\"\nmessages_per_connection = 2\nconnections = 1", server.port),
    );
    desk.ends(0, &["send"]);
    assert_eq!(server.connections("MAIL"), [1, 1, 2, 2, 3]);
    assert_eq!(server.connections("QUIT"), [1, 2, 3]);
    let ids: Vec<_> = attempts(&desk).into_iter().map(|(_, id)| id).collect();
    assert_eq!(ids, ["Q1N1", "Q1N2", "Q2N1", "Q2N2", "Q3N1"]);
}

#[test]
fn a_server_that_closes_between_messages_costs_nobody_an_attempt() {
    for offers in [vec!["PIPELINING"], vec![]] {
        let server = Server::start(Manners { offers, most: Some(2), ..Manners::default() });
        let desk = guests(5);
        let url = format!("smtp://127.0.0.1:{}", server.port);
        let ran = desk.ends(0, &["send", "--relay", &url, "--connections", "1", "--no-wait"]);
        assert!(!ran.err.contains("421"), "{}", ran.err);
        // What is announced in vain is announced again on the next connection.
        assert_eq!(server.connections("MAIL"), [1, 1, 1, 2, 2, 2, 3]);
        assert_eq!(attempts(&desk).len(), 5);
    }
}

#[test]
fn a_server_that_takes_nothing_at_all_is_not_asked_for_ever() {
    let server = Server::start(Manners { offers: vec!["PIPELINING"], most: Some(0), ..Manners::default() });
    let desk = guests(2);
    let url = format!("smtp://127.0.0.1:{}", server.port);
    let ran = desk.ends(75, &["send", "--relay", &url, "--connections", "1", "--no-wait"]);
    assert!(ran.err.contains("421 4.7.0 enough for one connection"), "{}", ran.err);
    assert_eq!((desk.standing("DEFERRED"), server.connections("MAIL").len()), (2, 2));
}

#[test]
fn reports_are_asked_for_unless_they_are_not_wanted() {
    for (wanted, parameters) in [("true", " RET=HDRS ENVID="), ("false", "")] {
        let server = Server::start(Manners { offers: vec!["PIPELINING", "DSN"], ..Manners::default() });
        let desk = guests(1);
        configure(&desk, &format!("url = \"smtp://127.0.0.1:{}\"\ndsn = {wanted}", server.port));
        desk.ends(0, &["send"]);
        let mail = &server.heard("MAIL")[0].1;
        let rcpt = &server.heard("RCPT")[0].1;
        assert!(mail.contains(&format!(">{parameters}")), "{mail}");
        let asked = " NOTIFY=FAILURE,DELAY ORCPT=rfc822;g0@x.example";
        assert_eq!(rcpt.contains(asked), wanted == "true", "{rcpt}");
        assert_eq!(mail.ends_with('>') && rcpt.ends_with('>'), wanted == "false", "{mail} {rcpt}");
    }
}

/// Work whose second piece comes only when the server has been told QUIT.
struct Feed {
    works: Mutex<VecDeque<Work>>,
    given: Mutex<u32>,
    quit: Arc<Notify>,
}

impl Source for Feed {
    async fn next(&self) -> Option<Work> {
        let given = {
            let mut given = self.given.lock().expect("a count");
            *given += 1;
            *given
        };
        if given == 2 {
            self.quit.notified().await;
        }
        self.works.lock().expect("works").pop_front()
    }

    async fn ready(&self) -> Option<Work> {
        None
    }

    async fn depart(&self) {}

    fn report(&self, _: Report<'_>) {}
}

#[test]
fn an_idle_connection_is_left_politely_and_the_work_that_comes_gets_another() {
    let desk = guests(4);
    // One message to the sandbox plans them all.
    desk.ends(0, &["send", "--limit", "1"]);
    let server = Server::start(Manners { offers: vec!["PIPELINING"], ..Manners::default() });
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let ending = runtime.block_on(async {
        let now = jiff::Timestamp::from_second(1_900_000_000).expect("valid");
        let store = Store::open(&desk.path, now.as_millisecond()).await.expect("the journal");
        let rows =
            store.open_page(Errand::of(Purpose::Invitation), 0, now.as_millisecond(), 10).await.expect("open rows");
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        let work = |id: &i64| Work {
            from: AddrSpec::parse("s@x.example").expect("valid"),
            to: AddrSpec::parse("g@x.example").expect("valid"),
            octets: b"Subject: hello\r\n\r\nhello\r\n".to_vec(),
            armed: Armed {
                dispatch: *id,
                uid: format!("{id}@x.example"),
                message_id: format!("{id}@x.example"),
                digest: String::new(),
                size: 25,
                date_ms: now.as_millisecond(),
                at: now,
                language: String::new(),
            },
            attempts: 0,
            fraction: 0.5,
            started: now,
        };
        let feed = Feed {
            works: Mutex::new(ids.iter().map(work).collect()),
            given: Mutex::new(0),
            quit: Arc::clone(&server.quit),
        };
        let route = Route {
            relay: Relay::from_url(None, &format!("smtp://127.0.0.1:{}", server.port)).expect("a URL"),
            tls: client_config(None, true).expect("TLS"),
            login: None,
            deadlines: Deadlines { idle: Duration::from_millis(1), ..Deadlines::default() },
            backoff: BackOff { waits: Vec::new(), until: jiff::Timestamp::MAX },
        };
        let (recorder, writer) = store.recorder();
        let ending = drive(&route, &feed, &recorder).await;
        drop(recorder);
        writer.await.expect("the recorder ends");
        ending
    });
    assert!(matches!(ending, Ending::Idle), "{ending:?}");
    assert_eq!(server.connections("MAIL"), [1, 2, 2], "work that is there keeps the connection");
    assert_eq!(desk.standing("SENT"), 4);
}

#[cfg(unix)]
#[test]
fn a_relay_that_asks_for_our_certificate_gets_it() {
    use std::os::unix::fs::PermissionsExt as _;

    let fixtures = repository().join("tests/fixtures/tls");
    let certificates = |name: &str| -> Vec<CertificateDer<'static>> {
        CertificateDer::pem_file_iter(fixtures.join(name)).expect("a file").map(|c| c.expect("PEM")).collect()
    };
    let mut roots = RootCertStore::empty();
    roots.add(certificates("ca.pem").remove(0)).expect("an authority");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
        .build()
        .expect("a verifier");
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_client_cert_verifier(verifier)
        .with_single_cert(
            certificates("server.pem"),
            PrivateKeyDer::from_pem_file(fixtures.join("server.key")).expect("a key"),
        )
        .expect("an identity");
    let server =
        Server::start(Manners { offers: vec!["PIPELINING"], tls: Some(Arc::new(config)), ..Manners::default() });

    let desk = guests(1);
    for name in ["ca.pem", "client.pem", "client.key"] {
        std::fs::copy(fixtures.join(name), desk.path.join(name)).expect("a copy");
    }
    let mode = |mode| std::fs::set_permissions(desk.path.join("client.key"), std::fs::Permissions::from_mode(mode));
    let settings = desk.read("convoke.toml");
    let anonymous = format!("url = \"smtps://localhost:{}\"\nca_file = \"ca.pem\"\nconnections = 1", server.port);
    configure(&desk, &anonymous);
    let refused = desk.ends(69, &["send", "--no-wait"]);
    assert!(refused.err.contains("the relay does not accept our certificate, or wants one"), "{}", refused.err);
    assert_eq!(server.heard("EHLO").len(), 0, "nobody gets in without a certificate");

    desk.write("convoke.toml", &settings);
    configure(&desk, &format!("{anonymous}\nclient_certificate = \"client.pem\"\nclient_key = \"client.key\""));
    mode(0o644).expect("a mode");
    let open = desk.ends(78, &["send"]);
    assert!(open.err.contains("client.key` can be read by others (mode 644); run chmod 600"), "{}", open.err);
    mode(0o600).expect("a mode");
    desk.ends(0, &["send"]);
    let carried = attempts(&desk).pop().expect("an attempt");
    assert_eq!(carried, ("TLSv1.3 TLS_AES_256_GCM_SHA384".to_owned(), "Q2N1".to_owned()));
}
