//! The table: a row a goal, each beside the reference measured in the same run.

/// What is asked of a ratio.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
    /// Shown beside a goal.
    None,
}

impl Goal {
    fn is_met(self, ratio: f64) -> bool {
        match self {
            Self::AtLeast(least) => ratio >= least,
            Self::AtMost(most) => ratio <= most,
            Self::None => true,
        }
    }
}

/// The table's head.
pub(crate) fn head() {
    println!("| what | measured | reference in the same run | ratio | goal | |");
    println!("|---|---|---|---|---|---|");
}

/// One row, printed as soon as it is measured.
pub(crate) fn row(what: &str, measured: &str, reference: &str, ratio: f64, goal: Goal) {
    let verdict = match goal {
        Goal::None => "",
        goal if goal.is_met(ratio) => "pass",
        _ => "MISS",
    };
    let goal = match goal {
        Goal::AtLeast(least) => format!("at least {least} x"),
        Goal::AtMost(most) => format!("at most {most} x"),
        Goal::None => String::new(),
    };
    println!("| {what} | {measured} | {reference} | {ratio:.2} x | {goal} | {verdict} |");
}
