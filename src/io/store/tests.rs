//! Journals of earlier versions, and what the schema itself refuses.

use std::path::PathBuf;

use jiff::Timestamp;
use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _, SqliteConnection};

use super::schema::migrator;
use super::{Store, create_private, options};
use crate::calendar::{OrganizerMethod, PartStat, Sequence};
use crate::journal::{Answer, Bound, Effect, InboundRecord, InboundState, Returned, Standing, SuppressionReason};
use crate::mail::AddrSpec;
use crate::plan::{Entry, Errand, Extent, Plan, Purpose, RevisionKind, SealedMessage};

/// A folder that goes when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("convoke-store-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A journal as version 2 left it, with three recipients.
async fn version_2(folder: &Folder) -> SqliteConnection {
    let path = Store::path_in(&folder.0);
    create_private(&path).expect("a new file");
    let mut connection = options(&path).connect().await.expect("opens");
    let steps = migrator().iter().filter(|step| step.version <= 2).cloned().collect();
    Migrator::with_migrations(steps).run_direct(None, &mut connection, false).await.expect("migrates");
    let rows = "INSERT INTO folder (id, event, secret, created_ms, import) VALUES (1, 'gala', zeroblob(32), 1000, 1);
        INSERT INTO revision (number, sequence, dtstamp_ms, facts) VALUES (0, 0, 1000, '{}');
        INSERT INTO recipient SELECT value, 'g' || value || '@x.example', 'g' || value || '@x.example', 'Guest', 'ngo', 'en',
            '{}', 'l.csv', value, 1 FROM generate_series(1, 3);
        INSERT INTO dispatch (id, recipient, purpose, revision, state, attempts, date_ms, uid, message_id, changed_ms) VALUES
            (7, 1, 'invitation', 0, 'SENT', 1, 1000, 'u1@x.example', 'm1@x.example', 2000),
            (8, 2, 'invitation', 0, 'IN_DOUBT', 1, 1000, 'u2@x.example', 'm2@x.example', 2000),
            (9, 3, 'invitation', 0, 'READY', 0, NULL, NULL, NULL, 1000);
        INSERT INTO attempt (dispatch, verdict, phase, relay, code, enhanced, reply, started_ms, ended_ms)
            VALUES (7, 'SENT', 'dot', 'r', 250, '', 'ok', 1500, 2000);
        INSERT INTO decision (dispatch, verdict, reason, decided_ms) VALUES (8, 'SENT', 'telephone', 3000)";
    // SQLite as it is built here has no series.
    let rows = rows.replace("generate_series(1, 3)", "(SELECT 1 AS value UNION SELECT 2 UNION SELECT 3)");
    sqlx::raw_sql(AssertSqlSafe(rows)).execute(&mut connection).await.expect("rows");
    connection
}

#[tokio::test]
async fn a_journal_of_version_2_keeps_everything() {
    let folder = Folder::new("version-2");
    version_2(&folder).await.close().await.expect("closes");
    // Reading alone brings it up to date, too.
    let store = Store::open_reading(&folder.0).await.expect("opens");
    let rows = store.ledger_page(0, 10).await.expect("rows");
    let seen: Vec<_> = rows.iter().map(|row| (row.id, row.standing, row.message_id.as_deref())).collect();
    let expected = [
        (7, Standing::Sent, Some("m1@x.example")),
        (8, Standing::InDoubt, Some("m2@x.example")),
        (9, Standing::Ready, None),
    ];
    assert_eq!(seen, expected);
    let invited =
        Entry { method: OrganizerMethod::Request, sequence: Sequence::FIRST, partstat: PartStat::NeedsAction };
    assert!(
        rows.iter().all(|row| row.entry == Some(invited) && row.mailing == 0 && row.purpose == Purpose::Invitation)
    );
    drop(store);

    let store = Store::open(&folder.0, 5000).await.expect("opens for writing");
    let revisions = store.revisions().await.expect("revisions");
    assert_eq!((revisions.len(), revisions[0].kind), (1, RevisionKind::First));
    let open = store.open_page(Errand::of(Purpose::Invitation), 0, i64::MAX, 10).await.expect("a page");
    assert_eq!(open.iter().map(|row| row.id).collect::<Vec<_>>(), [9]);
    assert!(store.open_page(Errand::of(Purpose::Update), 0, i64::MAX, 10).await.expect("a page").is_empty());
    let mut connection = store.connection.lock().await;
    let count = |table: &str| format!("SELECT count(*) AS n FROM {table} JOIN dispatch d ON d.id = {table}.dispatch");
    for table in ["attempt", "decision"] {
        let row = sqlx::query(AssertSqlSafe(count(table))).fetch_one(&mut *connection).await.expect("a count");
        assert_eq!(row.get::<i64, _>("n"), 1, "{table}");
    }
    // Foreign keys hold again: nothing new points into nowhere.
    let stray =
        "INSERT INTO dispatch (recipient, purpose, revision, state, changed_ms) VALUES (99, 'message', 0, 'READY', 0)";
    assert!(sqlx::query(stray).execute(&mut *connection).await.is_err());
    // One mailbox has one message of a kind, a revision and a mailing.
    let second = "INSERT INTO dispatch (recipient, purpose, revision, mailing, state, changed_ms)
                  VALUES (1, 'message', 0, $1, 'READY', 0)";
    for (mailing, is_taken) in [(1, true), (2, true), (2, false)] {
        assert_eq!(sqlx::query(second).bind(mailing).execute(&mut *connection).await.is_ok(), is_taken, "{mailing}");
    }
}

#[tokio::test]
async fn what_version_8_wrote_is_of_the_event_as_a_whole() {
    let folder = Folder::new("version-8");
    let mut connection = version_2(&folder).await;
    let steps = migrator().iter().filter(|step| step.version <= 8).cloned().collect();
    sqlx::query("PRAGMA foreign_keys = OFF").execute(&mut connection).await.expect("done");
    Migrator::with_migrations(steps).run_direct(None, &mut connection, false).await.expect("migrates");
    let rows = "INSERT INTO revision (number, sequence, dtstamp_ms, facts, kind) VALUES (1, 1, 2000, '{}', 'material');
        INSERT INTO answer (entity, recipient, partstat, source, said_ms, recorded_ms, revision)
            VALUES ('Guest', 1, 'ACCEPTED', 'letter', 1, 1, 0);
        INSERT INTO sealed (id, seal, purpose, mailing, plan, by, made_ms) VALUES (1, 's', 'invitation', 0, '{}', 'Ana', 1);
        INSERT INTO sealed_message (sealed, recipient, letter, digest, row) VALUES (1, 1, 'l', x'aa', x'bb');
        INSERT INTO approval (sealed, by, approved_ms) VALUES (1, 'Berta', 2)";
    sqlx::raw_sql(rows).execute(&mut connection).await.expect("rows");
    connection.close().await.expect("closes");

    let store = Store::open(&folder.0, 5000).await.expect("opens");
    let histories = store.histories().await.expect("read");
    assert_eq!(histories.keys().collect::<Vec<_>>(), [""]);
    assert_eq!(histories[""].revisions().len(), 2);
    let ledger = store.ledger_page(0, 10).await.expect("rows");
    assert!(ledger.iter().all(|row| row.session.is_empty() && row.recipient.cells.is_empty()));
    store.look_at("opening");
    assert!(store.ledger_page(0, 10).await.expect("rows").is_empty(), "nothing is of a session");
    store.look_at("");
    let messages = store.sealed_page(1, (0, ""), 10).await.expect("a page");
    assert_eq!(messages.iter().map(|m| (m.recipient, m.session.as_str())).collect::<Vec<_>>(), [(1, "")]);
    let mut connection = store.connection.lock().await;
    assert!(sqlx::query("DELETE FROM sealed_message").execute(&mut *connection).await.is_err(), "approved");
    let of_answer: String =
        sqlx::query_scalar("SELECT session FROM answer").fetch_one(&mut *connection).await.expect("a session");
    assert_eq!(of_answer, "");
    // What a mailbox has is told once for the event.
    let held: Vec<(i64, Option<i64>)> = sqlx::query_as("SELECT recipient, held FROM holding ORDER BY 1")
        .fetch_all(&mut *connection)
        .await
        .expect("rows");
    assert_eq!(held, [(1, Some(7)), (2, Some(8)), (3, None)]);
}

#[tokio::test]
async fn a_broken_journal_is_left_as_it_was() {
    let folder = Folder::new("broken");
    let mut connection = version_2(&folder).await;
    for text in ["PRAGMA foreign_keys = OFF", "DELETE FROM recipient WHERE id = 3"] {
        sqlx::query(text).execute(&mut connection).await.expect("done");
    }
    connection.close().await.expect("closes");
    assert!(Store::open(&folder.0, 5000).await.is_err());
    let mut connection = options(&Store::path_in(&folder.0)).connect().await.expect("opens");
    let version: i64 = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
        .fetch_one(&mut connection)
        .await
        .expect("a version");
    assert_eq!(version, 2);
}

#[tokio::test]
async fn answers_are_kept_as_they_came() {
    let folder = Folder::new("answers");
    version_2(&folder).await.close().await.expect("closes");
    let store = Store::open(&folder.0, 5000).await.expect("opens");
    let time = |second| Timestamp::from_second(second).expect("an instant");
    let answer = Answer {
        entity: "Guest".to_owned(),
        recipient: Some(1),
        partstat: PartStat::Accepted,
        persons: Some(2),
        comment: "with pleasure".to_owned(),
        source: "telephone".to_owned(),
        by: "ana".to_owned(),
        is_note: true,
        attendee: String::new(),
        sequence: Some(Sequence::FIRST),
        dtstamp: Some(time(4)),
        said: time(5),
        recorded: time(6),
        revision: 0,
        evidence: String::new(),
        level: None,
        applies: true,
    };
    store.record_answer(&answer).await.expect("recorded");
    assert_eq!(store.answers_of("Guest").await.expect("answers"), [answer]);
    assert!(store.answers_of("Other").await.expect("answers").is_empty());
    let mut connection = store.connection.lock().await;
    for change in ["UPDATE answer SET partstat = 'DECLINED'", "DELETE FROM answer"] {
        assert!(sqlx::query(change).execute(&mut *connection).await.is_err(), "{change}");
    }
}

#[tokio::test]
async fn what_follows_from_a_mail_is_done_with_it_or_not_at_all() {
    let folder = Folder::new("inbound");
    version_2(&folder).await.close().await.expect("closes");
    let store = Store::open(&folder.0, 5000).await.expect("opens");
    let time = |second| Timestamp::from_second(second).expect("an instant");
    let record = |identity: &str, effects: Vec<Effect>| InboundRecord {
        identity: identity.to_owned(),
        message_id: None,
        digest: identity.to_owned(),
        received: None,
        kind: "bounce".to_owned(),
        state: InboundState::Settled,
        summary: "{}".to_owned(),
        bound: Bound { effects, ..Bound::default() },
        original: String::new(),
    };
    let returned = |dispatch, is_final| {
        let (class, status) = ("user-unknown".to_owned(), "5.1.1".to_owned());
        Effect::Returned(Returned { dispatch, class, status, diagnostic: String::new(), is_final, said: time(4) })
    };
    let dead = Effect::Suppress {
        address: AddrSpec::parse("g3@x.example").expect("valid"),
        reason: SuppressionReason::Bounce,
        note: String::new(),
    };
    let states = async || {
        let rows = store.ledger_page(0, 10).await.expect("rows");
        rows.iter().map(|row| row.standing).collect::<Vec<_>>()
    };
    // A message that does not exist: nothing of the batch is kept.
    let broken = [record("a", vec![returned(7, true)]), record("b", vec![returned(99, true)])];
    assert!(store.record_inbound("s", &broken, None, time(5)).await.is_err());
    assert_eq!(states().await, [Standing::Sent, Standing::InDoubt, Standing::Ready]);
    // Still tried means that the relay took it.
    let slow = [record("c", vec![returned(7, false), returned(8, false)])];
    assert_eq!(store.record_inbound("s", &slow, None, time(5)).await.expect("recorded"), [true]);
    assert_eq!(states().await, [Standing::Sent, Standing::Sent, Standing::Ready]);
    let batch = [record("a", vec![returned(7, true), returned(9, true), dead]), record("c", vec![returned(8, true)])];
    assert_eq!(store.record_inbound("s", &batch, None, time(6)).await.expect("recorded"), [true, false]);
    // What was not sent cannot come back, what is known has no effect again, and the dead address waits no more.
    assert_eq!(states().await, [Standing::Bounced, Standing::Sent, Standing::Suppressed]);
    store.index_identities().await.expect("indexed");
    let mut connection = store.connection.lock().await;
    let verdicts: Vec<(i64, String)> =
        sqlx::query_as("SELECT dispatch, verdict FROM decision WHERE decided_ms > 3000 ORDER BY id")
            .fetch_all(&mut *connection)
            .await
            .expect("rows");
    assert_eq!(verdicts, [(8, "SENT".to_owned()), (7, "BOUNCED".to_owned())]);
    let plan: Vec<String> = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", include_str!("sql/known.sql"))))
        .bind("{}")
        .fetch_all(&mut *connection)
        .await
        .expect("a plan")
        .iter()
        .map(|row| row.get("detail"))
        .collect();
    for index in ["dispatch_uid", "dispatch_message_id"] {
        assert!(plan.iter().any(|line| line.contains(index)), "{index}: {plan:?}");
    }
}

#[tokio::test]
async fn an_approved_plan_stays_as_it_was_and_another_goes() {
    let folder = Folder::new("approval");
    version_2(&folder).await.close().await.expect("closes");
    let store = Store::open(&folder.0, 5000).await.expect("opens");
    let errand = Errand::of(Purpose::Invitation);
    let message = |recipient: i64| SealedMessage {
        session: String::new(),
        recipient,
        address: format!("…@x{recipient}.example"),
        letter: "invitation/ngo.en".to_owned(),
        digest: "0a0b".to_owned(),
        row: "0c".to_owned(),
    };
    let plan: Plan = serde_json::from_str(
        r#"{"program":"convoke","event":"gala","purpose":"invitation","mailing":0,"revision":0,
            "dtstamp":"1970-01-01T00:00:01Z","only":[],"lists":[],"skip_refused":false,"relay":null,"relays":[],
            "reverse_path":"e@x.example","signatures":[],"settings":{},"templates":{}}"#,
    )
    .expect("a plan");
    let sealed = plan.seal(Extent::default(), "aa".to_owned());
    for (number, by) in [(1, "Ana"), (2, "Berta"), (3, "Carl")] {
        assert_eq!(store.begin_plan(errand).await.expect("begins"), number);
        store.note_sealed(number, &[message(1), message(3)]).await.expect("noted");
        store.note_plan(number, errand, &sealed, by, "", 6000).await.expect("noted");
        if number == 2 {
            store.approve(number, "Dora", "", 7000).await.expect("approved");
        }
    }
    let plans = store.plans(Some(errand)).await.expect("plans");
    let seen: Vec<_> = plans.iter().map(|plan| (plan.id, plan.by.as_str(), plan.approvals.len())).collect();
    assert_eq!(seen, [(3, "Carl", 0), (2, "Berta", 1), (1, "Ana", 0)]);
    assert!(plans.iter().all(|plan| plan.sealed == sealed));
    for (number, messages) in [(1, 0), (2, 2), (3, 2)] {
        assert_eq!(store.sealed_page(number, (0, ""), 10).await.expect("a page").len(), messages, "of plan {number}");
    }
    assert_eq!(store.sealed_of(&[3, 2], &[3]).await.expect("found")[&3].len(), 2);
    assert!(store.plans(Some(Errand::of(Purpose::Update))).await.expect("plans").is_empty());
    let mut connection = store.connection.lock().await;
    for change in [
        "UPDATE sealed SET by = 'Eve'",
        "DELETE FROM sealed",
        "UPDATE approval SET by = 'Eve'",
        "DELETE FROM approval",
        "UPDATE sealed_message SET digest = x'00' WHERE sealed = 3",
        "DELETE FROM sealed_message WHERE sealed = 2",
    ] {
        assert!(sqlx::query(change).execute(&mut *connection).await.is_err(), "{change}");
    }
    // Somebody who takes the triggers away: the seal tells.
    let forged = "DROP TRIGGER sealed_keeps; UPDATE sealed SET plan = replace(plan, 'gala', 'gale') WHERE id = 2";
    sqlx::raw_sql(forged).execute(&mut *connection).await.expect("forged");
    drop(connection);
    assert!(store.plans(Some(errand)).await.is_err());
}
