//! The informal speaking list, from the first request to the page before the chair.

use serde_json::Value;

use crate::desk::Desk;

fn desk() -> Desk {
    let names =
        ["Permanent Mission of Chile", "Permanent Mission of Kenya", "Permanent Mission of Fiji", "Water Forum"];
    let rows = names.iter().zip(0..).map(|(name, n)| format!("m{n}@x.example,{name},ngo,en\n"));
    let desk = Desk::with_list(&format!("email,entity,kind,language\n{}", rows.collect::<String>()));
    desk.ends(0, &["send"]);
    desk
}

fn order(desk: &Desk) -> Vec<String> {
    let list: Value = serde_json::from_str(&desk.ends(0, &["speakers", "show", "--json"]).out).expect("JSON");
    let slots = list["speakers"].as_array().expect("a list").clone();
    slots.iter().map(|slot| slot["entity"].as_str().expect("a name").replace("Permanent Mission of ", "")).collect()
}

#[test]
fn ranks_order_the_list_and_moves_say_why() {
    let desk = desk();
    assert!(desk.ends(0, &["speakers"]).out.starts_with("0 speakers, 0 minutes"), "an empty list is no fault");
    let first = desk.ends(0, &["speakers", "add", "Chile", "--rank", "permanent representative", "--by", "phone"]);
    assert_eq!(first.out, "`Permanent Mission of Chile` is number 1 of 1 speaker\n");
    desk.ends(0, &["speakers", "add", "kenya", "--rank", "minister", "--speaker", "H.E. Mr. <Juma>", "--minutes", "5"]);
    desk.ends(0, &["speakers", "add", "Water"]);
    assert_eq!(order(&desk), ["Kenya", "Chile", "Water Forum"]);
    desk.ends(64, &["speakers", "move", "Water", "--to", "1"]);
    desk.ends(0, &["speakers", "move", "Water", "--before", "Kenya", "--reason", "leaves at four"]);
    desk.ends(0, &["speakers", "add", "Fiji", "--rank", "head of state"]);
    assert_eq!(order(&desk), ["Fiji", "Water Forum", "Kenya", "Chile"]);
    let shown = desk.ends(0, &["speakers", "show", "--from", "15:10"]).out;
    assert!(shown.contains("  2  15:13   3 min  Water Forum") && shown.contains("[moved: leaves at four]"), "{shown}");
    assert!(shown.contains("4 speakers, 14 minutes, by rank"), "{shown}");
    desk.ends(0, &["speakers", "withdraw", "Fiji", "--reason", "travels"]);
    assert_eq!(order(&desk), ["Water Forum", "Kenya", "Chile"]);
    desk.ends(0, &["speakers", "show", "--out", "reports/speakers.html"]);
    let page = desk.read("reports/speakers.html");
    assert!(page.contains("H.E. Mr. &lt;Juma&gt;") && !page.contains("<Juma>"), "what was typed is text");
    assert!(page.contains("withdrawn: Permanent Mission of Fiji"), "{page}");
}

#[test]
fn who_is_not_known_is_named_with_the_nearest() {
    let desk = desk();
    let unknown = desk.ends(64, &["speakers", "add", "Permanent Mission of Chili"]).err;
    assert!(unknown.contains("did you mean `Permanent Mission of Chile`,") && unknown.contains("--guest"), "{unknown}");
    let several = desk.ends(64, &["speakers", "add", "permanent mission"]).err;
    assert!(
        several.contains("fits 3 entities; write more of the name") && several.contains("`Permanent Mission of Chile`"),
        "{several}"
    );
    assert!(desk.ends(64, &["speakers", "add", "Chile", "--rank", "ministre plénipo"]).err.contains("is not known"));
    desk.ends(64, &["speakers", "add", "Chile", "--at", "tomorrow"]);
    desk.ends(64, &["speakers", "withdraw", "Chile"]);
    desk.ends(64, &["speakers", "draw"]);
    assert_eq!(order(&desk), Vec::<String>::new(), "nothing of it was written down");
    desk.ends(0, &["speakers", "add", "UN-Water", "--guest", "--at", "2017-09-18T10:30"]);
    assert_eq!(order(&desk), ["UN-Water"]);
}

#[test]
fn lots_can_be_drawn_again_with_the_same_seed() {
    let desk = desk();
    desk.write("convoke.toml", &format!("{}\n[speaking_list]\norder = \"draw\"\n", desk.read("convoke.toml")));
    for name in ["Chile", "Kenya", "Fiji"] {
        desk.ends(0, &["speakers", "add", name]);
    }
    assert!(desk.ends(0, &["speakers"]).out.contains("no lots have been drawn yet"));
    assert_eq!(order(&desk), ["Chile", "Kenya", "Fiji"]);
    desk.ends(0, &["speakers", "draw", "--seed", "bureau of 18 September"]);
    let drawn = order(&desk);
    desk.ends(0, &["speakers", "draw", "--seed", "another"]);
    desk.ends(0, &["speakers", "draw", "--seed", "bureau of 18 September"]);
    assert_eq!(order(&desk), drawn);
    assert!(desk.ends(0, &["speakers"]).out.contains("drawn with the seed `bureau of 18 September`"));
}
