//! Forms of address and coverage, as `check` tells of them.

use crate::desk::Desk;

const HEAD: &str = "email,entity,kind,language,honorific,given,family,rank,sex,of_state\n";

/// Problems of `check` alone, a line each.
fn problems(desk: &Desk, code: i32) -> String {
    let ran = desk.ends(code, &["check"]);
    ran.err.lines().filter(|line| !line.starts_with("convoke: ")).collect::<Vec<_>>().join("\n")
}

#[test]
fn ranks_honorifics_and_sexes_that_cannot_be_are_named_before_anything_is_sent() {
    let rows = [
        "a@x.example,Mission of A,mission,en,H.E. Mr.,Al,One,Chargé d'affaires a.i.,,of A",
        "b@x.example,Mission of B,mission,en,H.E. Ms.,Bo,Two,counsellor,f,of B",
        "c@x.example,Mission of C,mission,en,Mr.,Cy,Three,Permanent Representativ,,of C",
        "d@x.example,Mission of D,mission,en,Ms.,Di,Four,PR,m,of D",
        "e@x.example,Mission of E,mission,en,,Ed,Five,grand vizier,maybe,of E",
        "f@x.example,Mission of F,mission,en,H.E. Ms.,Fe,Six,vacant,,of F",
        "g@x.example,Mission of G,mission,en,H.E. Ms.,Gi,Seven,deputy permanent representative,,of G",
    ];
    let desk = Desk::with_list(&format!("{HEAD}{}\n", rows.join("\n")));
    for verb in ["check", "send"] {
        let ran = desk.ends(65, &[verb]);
        let lines: Vec<&str> = ran.err.lines().filter(|line| line.starts_with("recipients/")).collect();
        assert_eq!(
            lines,
            [
                "recipients/list.csv:2:5: honorific `H.E. Mr.` is not due to the rank `chargé d'affaires a.i.`; write `Ms.` \
                 or `Mr.`; for an ambassador write that rank",
                "recipients/list.csv:3:5: honorific `H.E. Ms.` is not due to the rank `counsellor`; write `Ms.` or `Mr.`; \
                 for an ambassador write that rank",
                "recipients/list.csv:4:8: rank `Permanent Representativ` is not known; did you mean `permanent \
                 representative`?",
                "recipients/list.csv:5:9: sex `m` and honorific `Ms.` contradict each other; mend one of them",
                "recipients/list.csv:6:8: rank `grand vizier` is not known; write one of head of State, head of Government, \
                 Minister for Foreign Affairs, minister, deputy minister, permanent representative, ambassador, permanent \
                 observer, apostolic nuncio, deputy permanent representative, head of delegation, chargé d'affaires a.i., \
                 minister counsellor, counsellor, first secretary, second secretary, third secretary, attaché, adviser, \
                 consul, head of an international organization, Under-Secretary-General, Assistant Secretary-General, \
                 director, executive director, president of an organization, representative, professor, doctor, none, \
                 vacant; or leave the cell empty",
                "recipients/list.csv:6:9: sex `maybe` is not known; write `f` or `m`, or leave the cell empty",
                "recipients/list.csv:7:8: rank `vacant` says that the post is empty, and the row names `Fe`; write the \
                 person's rank, or take the name out",
            ],
            "{}",
            ran.err
        );
    }
    assert!(desk.outbox().is_empty());
}

#[test]
fn a_form_that_needs_the_sex_is_asked_for_by_row() {
    let rows =
        "a@x.example,Amis,ngo,fr,,Camille,Martin,president,,\nb@x.example,Voisins,ngo,fr,,Camille,Petit,president,f,\n";
    let desk = Desk::with_list(&format!("{HEAD}{rows}c@x.example,Cousins,ngo,fr,,Dominique,Roy,,,\n"));
    assert_eq!(
        problems(&desk, 78),
        "recipients/list.csv:2: the close in language `fr` depends on whether `Camille Martin` is a woman or a man; write `f` \
         or `m` in the column `sex`, or an honorific that says it, such as `Ms.`"
    );
    desk.write("recipients/list.csv", &format!("{HEAD}{}", rows.replace("Martin,president,", "Martin,président,m")));
    desk.ends(0, &["check"]);
    let letter = desk.ends(0, &["preview", "--to", "a@x.example", "--raw"]).out;
    let message = mail_parser::MessageParser::default().parse(letter.as_bytes()).expect("a message");
    let text = message.body_text(0).expect("a text").replace('\r', "");
    assert!(text.starts_with("Monsieur le Président,\n"), "{text}");
    assert!(text.contains("Veuillez agréer, Monsieur le Président, l'expression de notre considération"), "{text}");
}

#[test]
fn a_letter_in_two_registers_is_a_problem() {
    let desk = Desk::sample();
    let note = "templates/invitation/mission.en.md.hbs";
    desk.write(note, &desk.read(note).replace("+++\nThe", "+++\nDear colleagues,\n\n{{salutation}}\n\nThe"));
    let letter = "templates/invitation/ngo.fr.md.hbs";
    let worse = desk.read(letter) + "\nLa {{sender.name}} saisit cette occasion.\n";
    desk.write(letter, &worse);
    assert_eq!(
        problems(&desk, 78),
        "templates/invitation/mission.en.md.hbs:6:1: `Dear` is of a letter, and `invitation/mission.en` is a note verbale; \
         write in the third person, without salutation and close, or make the register `formal`\n\
         templates/invitation/mission.en.md.hbs:8:1: `{{salutation}}` stands in `invitation/mission.en`, which is a note \
         verbale and has none; take it out, or make the register `formal`\n\
         templates/invitation/ngo.fr.md.hbs:LINE:20: `saisit cette occasion` is of a note verbale, and the register of \
         `invitation/ngo.fr` is `ordinary`; write in the first person, or make the register `note-verbale`"
            .replace("LINE", &worse.lines().count().to_string())
    );
}

#[test]
fn a_note_verbale_goes_to_no_organisation() {
    for kind in ["ngo", "igo", "individual"] {
        let desk = Desk::with_list(&format!("{HEAD}a@x.example,Amis,{kind},en,,,,,,of A\n"));
        let settings = desk.read("convoke.toml").replace("observer = \"mission\"", &format!("{kind} = \"mission\""));
        desk.write("convoke.toml", &settings);
        let said = problems(&desk, 78);
        assert!(
            said.starts_with(&format!(
                "templates/invitation/mission.en.md.hbs: a note verbale would go to a recipient of kind `{kind}` for \
                 recipients/list.csv:2; "
            )),
            "{said}"
        );
    }
}

#[test]
fn all_helpers_of_address_print_in_both_parts() {
    let desk = Desk::with_list(&format!(
        "{HEAD}a@x.example,Mission of A,mission,en,H.E. Ms.,Ana,O*ne,PR,,of A\nb@x.example,Mission of B,mission,en,,,,,,of B\n"
    ));
    desk.write(
        "templates/invitation/mission.en.md.hbs",
        "+++\nsubject = \"Invitation: {{event.title}} ({{date event.start}})\"\nregister = \"formal\"\n+++\n\
         {{envelope}}\n\n{{salutation}}\n\nWe invite {{address_line}}.\n\n{{> event-en}}\n\n{{> answer-en}}\n\n\
         {{complimentary_close}}\n",
    );
    desk.ends(0, &["check"]);
    let text = |to: &str| {
        let letter = desk.ends(0, &["preview", "--to", to, "--raw"]).out;
        let message = mail_parser::MessageParser::default().parse(letter.as_bytes()).expect("a message");
        (message.body_text(0).expect("text").replace('\r', ""), message.body_html(0).expect("HTML").into_owned())
    };
    let (plain, html) = text("a@x.example");
    assert!(
        plain.starts_with(
            "H.E. Ms. Ana O*ne\nPermanent Representative\nMission of A\n\nExcellency,\n\nWe invite H.E. Ms. Ana O*ne.\n"
        ),
        "{plain}"
    );
    assert!(plain.contains("Accept, Excellency, the assurances of my highest consideration."), "{plain}");
    assert!(html.contains("H.E. Ms. Ana O*ne<br"), "{html}");
    let (plain, _) = text("b@x.example");
    assert!(plain.starts_with("Mission of B\n\nMadam, Sir,\n\nWe invite Mission of B.\n"), "{plain}");
}

#[test]
fn the_sample_covers_all_members_and_observers() {
    let desk = Desk::sample();
    let line =
        "coverage of recipients/reference/un-members.csv: 195 of 195 are on the lists; nobody missing, nobody twice";
    let plain = desk.ends(0, &["check"]).out;
    assert!(plain.lines().any(|l| l == line), "{plain}");
    let asked = desk.ends(0, &["check", "--coverage"]).out;
    assert!(asked.lines().any(|l| l == line) && !asked.contains("\n  missing"), "{asked}");
}

#[test]
fn planted_gaps_are_told_with_their_rows() {
    let desk = Desk::sample();
    let missions = desk.read("recipients/missions.csv");
    let planted = missions
        .replace("Permanent Mission of the Kyrgyz Republic", "Permanent Mission of Kyrgystan")
        .replace("Permanent Mission of the Kingdom of Eswatini", "Permanent Mission of the Kingdom of Swaziland")
        .replace("Permanent Mission of the Republic of Côte d'Ivoire", "Permanent Mission of Ivory Coast");
    let planted: String = planted.lines().filter(|l| !l.contains("Nauru")).map(|l| format!("{l}\n")).collect();
    let extra = "Mission permanente de la Turquie auprès des Nations Unies,mission,fr,tr@x.example,,,,,,,,Turquie,de Türkiye\n\
                 Permanent Mission of Atlantis,mission,en,atlantis@x.example,,,,,,,,Atlantis,of Atlantis\n";
    desk.write("recipients/missions.csv", &(planted + extra));
    let reference = "recipients/reference/un-members.csv";
    let ran = desk.ends(1, &["check", "--coverage", reference]);
    let from = ran.out.find("coverage of").expect("a sentence");
    let lines: Vec<&str> = ran.out[from..].lines().take_while(|l| !l.starts_with("no problems")).collect();
    told_in_these_words(&lines);
    let json: serde_json::Value =
        serde_json::from_str(&desk.ends(1, &["check", "--coverage", reference, "--json"]).out).expect("JSON");
    let coverage = &json["coverage"][0];
    assert_eq!((&coverage["wanted"], &coverage["present"], &coverage["ok"]), (&195.into(), &193.into(), &false.into()));
    assert_eq!(coverage["missing"][1]["code"], "NR");
    assert_eq!(coverage["renamed"].as_array().map(Vec::len), Some(3));
    // Without the flag it is a line, and no reason to stop.
    let plain = desk.ends(0, &["check"]).out;
    assert!(plain.contains("193 of 195 are on the lists; 2 missing, 1 twice, "), "{plain}");
    desk.ends(65, &["check", "--coverage", "nowhere.csv"]);
}

/// The lines without the numbers of rows, which move with the sample.
fn told_in_these_words(lines: &[&str]) {
    let plain: Vec<String> = lines
        .iter()
        .map(|line| {
            let mut pieces = line.split("missions.csv:");
            let mut plain = pieces.next().unwrap_or_default().to_owned();
            for piece in pieces {
                plain.push_str("missions.csv:N");
                plain.push_str(piece.trim_start_matches(|c: char| c.is_ascii_digit()));
            }
            plain
        })
        .collect();
    assert_eq!(
        plain,
        [
            "coverage of recipients/reference/un-members.csv: 193 of 195 are on the lists; 2 missing, 1 twice, 2 under an old \
             name, 1 under another name, 2 not in the reference",
            "  missing: Kyrgyzstan (perhaps `Permanent Mission of Kyrgystan to the United Nations` \
             (recipients/missions.csv:N))",
            "  missing: Nauru",
            "  twice: Türkiye as `Mission permanente de la Turquie auprès des Nations Unies` (recipients/missions.csv:N) and \
             `Permanent Mission of the Republic of Türkiye to the United N…` (recipients/missions.csv:N)",
            "  old name: `Mission permanente de la Turquie auprès des Nations Unies` (recipients/missions.csv:N) is Türkiye \
             since 2022-06-01; on the day of the event, 2017-09-22, the old name was right",
            "  other name: `Permanent Mission of Ivory Coast to the United Nations` (recipients/missions.csv:N) is for Côte \
             d'Ivoire",
            "  old name: `Permanent Mission of the Kingdom of Swaziland to the United …` (recipients/missions.csv:N) is \
             Eswatini since 2018-05-30; on the day of the event, 2017-09-22, the old name was right",
            "  not in the reference: `Permanent Mission of Atlantis` (recipients/missions.csv:N)",
            "  not in the reference: `Permanent Mission of Kyrgystan to the United Nations` (recipients/missions.csv:N); did \
             you mean Kyrgyzstan?",
        ]
    );
}

/// A letter that prints every form of address, in the place of the notes verbales.
#[test]
fn everybody_of_the_sample_can_be_addressed_in_both_registers() {
    let desk = Desk::sample();
    for register in ["formal", "ordinary"] {
        for language in ["ar", "en", "es", "fr", "ru", "zh"] {
            let name = format!("templates/invitation/mission.{language}.md.hbs");
            let body = "{{envelope}}\n\n{{salutation}}\n\n{{address_line}}\n\n{{> event-LANGUAGE}}\n\n{{> answer-LANGUAGE}}\n\n\
                        {{close}}\n";
            let front = format!("+++\nsubject = \"{{{{event.title}}}}\"\nregister = \"{register}\"\n+++\n");
            desk.write(&name, &(front + &body.replace("LANGUAGE", language)));
        }
        let checked = desk.ends(0, &["check", "--json"]).out;
        let checked: serde_json::Value = serde_json::from_str(&checked).expect("JSON");
        assert_eq!(checked["to_be_sent"], 268, "{register}");
    }
    let begins = |to: &str| {
        let letter = desk.ends(0, &["preview", "--to", to, "--raw"]).out;
        let message = mail_parser::MessageParser::default().parse(letter.as_bytes()).expect("a message");
        let text = message.body_text(0).expect("a text").replace('\r', "");
        let lines: Vec<String> = text.lines().filter(|line| !line.is_empty()).take(5).map(str::to_owned).collect();
        lines.join(" | ")
    };
    let mission = |of: &str| format!("Permanent Mission of {of} to the United Nations");
    assert_eq!(
        begins("ambassador@中国常驻团.example").replace(&mission("the People's Republic of China"), "M"),
        "M | 常驻代表 | 沈明远先生阁下 | 尊敬的沈大使阁下： | 沈明远先生阁下"
    );
    assert_eq!(
        begins("mission@afghanistan-un.example").replace(&mission("the Islamic Republic of Afghanistan"), "M"),
        "Mr. Zamarialai | Chargé d'affaires a.i. | M | Dear Mr. Zamarialai, | Mr. Zamarialai"
    );
    assert_eq!(
        begins("newyork@mfa.bb.example").replace(&mission("Barbados"), "M"),
        "M | Dear Madam or Sir, | M | Preventing and Ending Mass Atrocities: Tools for More Effective UN Security Council \
         Action | Date: Friday, 22 September 2017"
    );
}

/// The second message is filled into the cast of the first; made alone it is the same to the octet.
#[test]
fn forms_of_address_are_filled_into_a_cast_as_they_are_made_alone() {
    let row = |n: u32, given: &str, family: &str, rank: &str, title: &str| {
        format!("g{n}@x.example,Mission of \"\"{n}\"\" & <Co>,mission,en,Ms.,{given},{family},{rank},{title}\n")
            .replace(&format!("Mission of \"\"{n}\"\" & <Co>"), &format!("\"Mission of \"\"{n}\"\" & <Co>\""))
    };
    let mut list = "email,entity,kind,language,honorific,given,family,rank,title\n".to_owned();
    list += &row(1, "Ana", "One", "counsellor", "");
    list += &row(2, "*Bo*", "Q_u<o>te [x](y)", "first secretary", "1. Secretary");
    list += &row(3, "", "", "vacant", "");
    list += &row(4, "Лев", "中文", "counsellor", "Head of \u{645}\u{631}");
    let desk = Desk::with_list(&list);
    desk.write(
        "templates/invitation/mission.en.md.hbs",
        "+++\nsubject = \"{{address_line}}: {{event.title}}\"\nregister = \"formal\"\n+++\n{{envelope}}\n\n{{salutation}}\n\n\
         We invite **{{address_line}}**.\n\n{{> event-en}}\n\n{{> answer-en}}\n\n{{close}}\n",
    );
    desk.ends(0, &["send"]);
    let sent = desk.outbox();
    assert_eq!(sent.len(), 4);
    for octets in sent {
        let message = mail_parser::MessageParser::default().parse(&octets).expect("a message");
        let to = message.to().and_then(|to| to.first()).and_then(|to| to.address()).expect("an address").to_owned();
        let alone = desk.command(&["preview", "--to", &to, "--raw"]).output().expect("the program starts").stdout;
        assert!(octets == alone, "{to}:\n{}\n{}", String::from_utf8_lossy(&octets), String::from_utf8_lossy(&alone));
    }
}
