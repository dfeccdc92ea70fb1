//! In which order ranks come where protocol orders them.
//!
//! What: [`Category`] of a [`Rank`], the classes in which the United Nations lists speakers.
//! Source: A/CN.4/L.129 (heads of State, of Government, foreign ministers, other ministers; chairs of delegations before deputy
//! ministers and permanent representatives). Within a class there is no rule that a program could apply: the organiser decides,
//! otherwise the time of the request.
//! Not here: the list itself (`journal`). Called by: `journal`. Can fail: nothing; a rank that no class names comes last.

use super::Rank;

/// A class of ranks; lesser comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// Heads of State.
    HeadOfState,
    /// Heads of Government.
    HeadOfGovernment,
    /// Ministers for foreign affairs.
    ForeignMinister,
    /// Other ministers.
    Minister,
    /// Chairs of delegations.
    Chair,
    /// Deputy ministers.
    DeputyMinister,
    /// Permanent representatives, permanent observers and whoever has the rank of ambassador.
    Ambassador,
    /// Deputy permanent representatives and charges d'affaires.
    Deputy,
    /// Other members of missions.
    Diplomat,
    /// Heads and high officials of international organizations.
    Organization,
    /// Everybody else.
    Other,
}

impl Category {
    /// The class of a rank; nobody's rank is [`Category::Other`].
    pub fn of(rank: Option<&Rank>) -> Self {
        match rank.map_or("none", |rank| rank.id.as_str()) {
            "head-of-state" => Self::HeadOfState,
            "head-of-government" => Self::HeadOfGovernment,
            "foreign-minister" => Self::ForeignMinister,
            "minister" => Self::Minister,
            "head-of-delegation" => Self::Chair,
            "deputy-minister" => Self::DeputyMinister,
            "permanent-representative" | "ambassador" | "permanent-observer" | "nuncio" => Self::Ambassador,
            "deputy-permanent-representative" | "charge-d-affaires" => Self::Deputy,
            "minister-counsellor"
            | "counsellor"
            | "first-secretary"
            | "second-secretary"
            | "third-secretary"
            | "attache"
            | "adviser"
            | "consul" => Self::Diplomat,
            "head-of-international-organization"
            | "under-secretary-general"
            | "assistant-secretary-general"
            | "director" => Self::Organization,
            _ => Self::Other,
        }
    }

    /// The class in words.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::HeadOfState => "heads of State",
            Self::HeadOfGovernment => "heads of Government",
            Self::ForeignMinister => "ministers for foreign affairs",
            Self::Minister => "ministers",
            Self::Chair => "heads of delegation",
            Self::DeputyMinister => "deputy ministers",
            Self::Ambassador => "ambassadors",
            Self::Deputy => "deputies and chargés d'affaires",
            Self::Diplomat => "other members of missions",
            Self::Organization => "international organizations",
            Self::Other => "others",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Category;
    use crate::people::Rank;

    #[test]
    fn classes_follow_protocol() {
        let of = |word: &str| Category::of(Rank::parse(word));
        let order = ["head of state", "prime minister", "foreign minister", "minister", "permanent representative"];
        assert!(order.windows(2).all(|two| of(two[0]) < of(two[1])));
        assert_eq!(of("first secretary"), Category::Diplomat);
        assert!(of("chargé d'affaires") > of("ambassador"));
        assert_eq!(Category::of(None), Category::Other);
    }

    #[test]
    fn every_rank_of_a_mission_has_a_class_of_its_own() {
        for name in ["nuncio", "deputy permanent representative", "attaché", "permanent observer"] {
            assert_ne!(Category::of(Rank::parse(name)), Category::Other, "{name}");
        }
    }
}
