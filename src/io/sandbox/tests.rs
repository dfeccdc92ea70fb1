//! Conversations over loopback, each with a sandbox of its own.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{Received, Sandbox, Sink, write_outbox_index};
use crate::io::maildir::{Durability, Maildir};

/// An envelope and its octets.
type Message = (Received, Vec<u8>);

/// Keeps messages in memory; fails when told to.
#[derive(Clone, Default)]
struct Kept {
    messages: Arc<Mutex<Vec<Message>>>,
    is_full: bool,
}

impl Sink for Kept {
    async fn file(&self, envelope: &Received, octets: &[u8]) -> io::Result<()> {
        if self.is_full {
            return Err(io::Error::other("no space\r\nleft"));
        }
        self.messages.lock().unwrap().push((envelope.clone(), octets.to_vec()));
        Ok(())
    }
}

impl Kept {
    fn bodies(&self) -> Vec<String> {
        let messages = self.messages.lock().unwrap();
        messages.iter().map(|(_, octets)| String::from_utf8_lossy(octets).into_owned()).collect()
    }
}

/// A running sandbox.
struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

async fn start(sink: impl Sink) -> Running {
    start_with(sink, Duration::from_secs(10)).await
}

async fn start_with(sink: impl Sink, idle: Duration) -> Running {
    let mut sandbox = Sandbox::bind("127.0.0.1:0".parse().unwrap(), sink).await.unwrap();
    sandbox.pace.idle = idle;
    sandbox.pace.late = Duration::from_millis(300);
    sandbox.pace.grace = Duration::from_millis(400);
    let address = sandbox.local_addr();
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(sandbox.run(async { drop(stopped.await) }));
    Running { address, stop, task }
}

/// A client that writes what it is told and reads reply lines.
struct Client(TcpStream);

impl Client {
    async fn greeted(address: SocketAddr) -> Self {
        let mut client = Self(TcpStream::connect(address).await.unwrap());
        assert!(client.line().await.starts_with("220 "));
        client
    }

    /// After EHLO and with a message to `recipient` up to the 354.
    async fn at_data(address: SocketAddr, recipient: &str) -> Self {
        let mut client = Self::greeted(address).await;
        client.say("EHLO c.example\r\n").await;
        for _ in 0..7 {
            client.line().await;
        }
        client.say(&envelope(recipient)).await;
        assert_eq!(client.codes(3).await, ["250 2.1.0", "250 2.1.5", "354 go"]);
        client
    }

    async fn say(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// The next line, or nothing at the end of the connection.
    async fn line(&mut self) -> String {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            match timeout(Duration::from_secs(5), self.0.read_u8()).await.expect("an answer in time") {
                Ok(octet) => line.push(octet),
                Err(_) => break,
            }
        }
        String::from_utf8(line).unwrap()
    }

    /// The first two words of the next lines.
    async fn codes(&mut self, lines: usize) -> Vec<String> {
        let mut codes = Vec::new();
        for _ in 0..lines {
            let line = self.line().await;
            codes.push(line.trim_end().split(' ').take(2).collect::<Vec<_>>().join(" "));
        }
        codes
    }
}

fn envelope(recipient: &str) -> String {
    format!("MAIL FROM:<events@x.example>\r\nRCPT TO:<{recipient}>\r\nDATA\r\n")
}

#[tokio::test]
async fn listens_on_loopback_only() {
    for address in ["0.0.0.0:0", "192.0.2.1:25", "[::]:0", "[::ffff:192.0.2.1]:0"] {
        let error = Sandbox::bind(address.parse().unwrap(), Kept::default()).await.err().expect(address);
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{address}");
        assert!(error.to_string().contains("not a loopback address"));
    }
}

#[tokio::test]
async fn hands_on_envelope_and_octets_as_they_came() {
    let kept = Kept::default();
    let sandbox = start(kept.clone()).await;
    let mut client = Client::greeted(sandbox.address).await;
    client.say("EHLO c.example\r\nMAIL FROM:<> SMTPUTF8 RET=HDRS ENVID=k+2B7\r\nRCPT TO:<посол@x.example>\r\n").await;
    client.say("RCPT TO:<b@x.example> NOTIFY=FAILURE\r\nDATA\r\n").await;
    assert_eq!(client.codes(11).await[7..], ["250 2.1.0", "250 2.1.5", "250 2.1.5", "354 go"]);
    client.say("Subject: a\r\n\r\n..dot\r\né\r\n.\r\n").await;
    assert_eq!(client.codes(1).await, ["250 2.0.0"]);
    let messages = kept.messages.lock().unwrap();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].1, "Subject: a\r\n\r\n.dot\r\né\r\n".as_bytes());
    assert_eq!(
        messages[0].0,
        Received {
            reverse_path: String::new(),
            recipients: vec!["посол@x.example".to_owned(), "b@x.example".to_owned()],
            envelope_id: Some("k+7".to_owned()),
            is_utf8: true,
        }
    );
}

#[tokio::test]
async fn answers_what_came_in_one_write_in_one_write() {
    let kept = Kept::default();
    let sandbox = start(kept.clone()).await;
    let mut client = Client::at_data(sandbox.address, "a@x.example").await;
    // RFC 2920: the end of one message and the envelope of the next.
    client.say(&format!("one\r\n.\r\n{}", envelope("b@x.example"))).await;
    let mut buffer = [0; 512];
    let length = client.0.read(&mut buffer).await.unwrap();
    let replies = String::from_utf8_lossy(&buffer[..length]);
    let codes: Vec<_> = replies.lines().map(|line| &line[..3]).collect();
    assert_eq!(codes, ["250", "250", "250", "354"], "{replies}");
    client.say("two\r\n.\r\nQUIT\r\n").await;
    assert_eq!(client.codes(3).await, ["250 2.0.0", "221 2.0.0", ""]);
    assert_eq!(kept.bodies(), ["one\r\n", "two\r\n"]);
}

#[tokio::test]
async fn refuses_smuggled_messages_and_goes_on() {
    let kept = Kept::default();
    let sandbox = start(kept.clone()).await;
    for false_end in ["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r\n.\r"] {
        let mut client = Client::at_data(sandbox.address, "a@x.example").await;
        client.say(&format!("one{false_end}{}two\r\n.\r\nNOOP\r\n", envelope("b@x.example"))).await;
        assert_eq!(client.codes(2).await, ["554 5.6.0", "250 2.0.0"], "{false_end:?}");
    }
    assert!(kept.bodies().is_empty());
}

#[tokio::test]
async fn refuses_messages_beyond_the_size_it_offered() {
    let kept = Kept::default();
    let sandbox = start(kept.clone()).await;
    let mut client = Client::at_data(sandbox.address, "a@x.example").await;
    let line = format!("{}\r\n", "a".repeat(1_048_574));
    for _ in 0..25 {
        client.say(&line).await;
    }
    client.say(".\r\n").await;
    assert_eq!(client.codes(1).await, ["250 2.0.0"]);
    client.say(&envelope("a@x.example")).await;
    client.codes(3).await;
    for _ in 0..25 {
        client.say(&line).await;
    }
    client.say("b\r\n.\r\nNOOP\r\n").await;
    assert_eq!(client.codes(2).await, ["552 5.3.4", "250 2.0.0"]);
    assert_eq!(kept.bodies().len(), 1);
}

#[tokio::test]
async fn rehearses_refusals_of_recipients() {
    let sandbox = start(Kept::default()).await;
    let mut client = Client::greeted(sandbox.address).await;
    client.say("HELO c.example\r\n").await;
    client.line().await;
    for (recipient, codes) in [
        ("un+reject@x.example", ["250 2.1.0", "550 5.1.1", "554 5.5.1"]),
        ("un+full@x.example", ["250 2.1.0", "452 4.2.2", "554 5.5.1"]),
        ("un+greylist@x.example", ["250 2.1.0", "451 4.7.1", "554 5.5.1"]),
        ("un+greylist@x.example", ["250 2.1.0", "250 2.1.5", "354 go"]),
    ] {
        client.say(&envelope(recipient)).await;
        assert_eq!(client.codes(3).await, codes, "{recipient}");
        if codes[2] == "354 go" {
            client.say("a\r\n.\r\n").await;
        } else {
            client.say("RSET\r\n").await;
        }
        assert_eq!(client.codes(1).await, ["250 2.0.0"]);
    }
}

#[tokio::test]
async fn rehearses_what_can_happen_after_the_dot() {
    let kept = Kept::default();
    let sandbox = start(kept.clone()).await;

    let mut client = Client::at_data(sandbox.address, "un+content@x.example").await;
    client.say("content\r\n.\r\n").await;
    assert_eq!(client.codes(1).await, ["554 5.6.0"]);

    let mut client = Client::at_data(sandbox.address, "un+slow@x.example").await;
    client.say("slow\r\n.\r\n").await;
    assert!(timeout(Duration::from_millis(100), client.0.peek(&mut [0])).await.is_err(), "answered too early");
    assert_eq!(client.codes(1).await, ["250 2.0.0"]);

    let mut client = Client::at_data(sandbox.address, "un+drop@x.example").await;
    client.say("drop\r\n.\r\n").await;
    assert_eq!(client.line().await, "");

    assert_eq!(kept.bodies(), ["slow\r\n", "drop\r\n"]);
}

#[tokio::test]
async fn tells_when_a_message_cannot_be_kept() {
    let sandbox = start(Kept { is_full: true, ..Kept::default() }).await;
    let mut client = Client::at_data(sandbox.address, "a@x.example").await;
    client.say("one\r\n.\r\n").await;
    assert_eq!(client.line().await, "451 4.3.0 the sandbox could not file it: no space  left\r\n");
}

#[tokio::test]
async fn sends_silent_clients_away() {
    let sandbox = start_with(Kept::default(), Duration::from_millis(100)).await;
    let mut client = Client::greeted(sandbox.address).await;
    assert_eq!(client.codes(2).await, ["421 4.4.2", ""]);
}

#[tokio::test]
async fn closes_when_messages_under_way_have_ended() {
    let kept = Kept::default();
    let sandbox = start(kept.clone()).await;
    let mut idle = Client::greeted(sandbox.address).await;
    let mut busy = Client::at_data(sandbox.address, "a@x.example").await;
    let mut stuck = Client::at_data(sandbox.address, "b@x.example").await;
    sandbox.stop.send(()).unwrap();
    assert_eq!(idle.codes(2).await, ["421 4.3.2", ""]);
    busy.say(&format!("one\r\n.\r\n{}", envelope("c@x.example"))).await;
    assert_eq!(busy.codes(3).await, ["250 2.0.0", "421 4.3.2", ""]);
    timeout(Duration::from_secs(2), sandbox.task).await.expect("the end in time").unwrap();
    assert_eq!(stuck.line().await, "");
    assert_eq!(kept.bodies(), ["one\r\n"]);
    assert!(TcpStream::connect(sandbox.address).await.is_err());
}

#[tokio::test]
async fn fills_an_outbox_and_writes_its_page() {
    let folder = std::env::temp_dir().join(format!("convoke-outbox-{}", std::process::id()));
    let maildir = Maildir::open(&folder, Durability::Written).unwrap();
    let sandbox = start(maildir.clone()).await;
    let mut client = Client::at_data(sandbox.address, "a@x.example").await;
    client.say(&format!("Subject: older\r\n\r\n..\r\n.\r\n{}", envelope("b@x.example"))).await;
    client.codes(4).await;
    client.say("Subject: newer\r\nTo: b@x.example\r\n\r\nb\r\n.\r\n").await;
    client.codes(1).await;

    let files = maildir.files().unwrap();
    assert_eq!(files.len(), 2);
    assert_eq!(std::fs::read(folder.join(&files[0])).unwrap(), b"Subject: older\r\n\r\n.\r\n");
    let path = write_outbox_index(&maildir, "Title & more", 1).await.unwrap();
    let page = std::fs::read_to_string(&path).unwrap();
    assert_eq!(path, folder.join("index.html"));
    assert!(page.contains("Title &amp; more") && page.contains(">newer<") && !page.contains(">older<"), "{page}");
    assert!(page.contains("2 messages") && page.contains(&format!("href=\"{}\"", files[1])));
    assert_eq!(std::fs::read_dir(folder.join("tmp")).unwrap().count(), 0);
    std::fs::remove_dir_all(&folder).unwrap();
}
