//! The promises of the storage ports, one plain async function each.
//!
//! An adapter proves itself with [`conformance!`](crate::conformance!): each promise becomes
//! one named test, on ports of its own.
//!
//! ```ignore
//! async fn harness() -> vyapar_core::testing::Bench {
//!     Bench::new(my_adapter::fresh().await.ports())
//! }
//!
//! vyapar_core::conformance!(harness = harness, areas = [
//!     identity, access, store, customer, product, stock, order, payment, system, at_once, saga, security, town,
//! ]);
//! ```
//!
//! An adapter that has some of the units names only their areas; `saga` needs all units, of
//! which any may come from another adapter; `at_once` is for adapters that have both stock
//! and orders. [`PROMISES`] lists everything that is promised.
//!
//! A promise checks what callers rely on and nothing else. Lists and queues may lag behind
//! writes where a backend's indexes do, so they are read until they agree; single reads may
//! not lag.

pub mod access;
pub mod at_once;
pub mod customer;
pub mod identity;
pub mod order;
pub mod payment;
pub mod product;
pub mod saga;
pub mod security;
pub mod stock;
pub mod store;
pub mod system;
pub mod town;

pub(crate) mod sealing;
pub(crate) mod support;

/// Makes one named test of each promise of the given areas.
///
/// `harness` is the path of an `async fn() -> Bench` ([`Bench`](crate::testing::Bench)) that
/// returns fresh ports. Tests are named `conformance::<area>::<promise>`; each has a
/// multi-thread runtime of its own and ends after
/// [`DEADLINE`](crate::testing::harness::DEADLINE).
#[macro_export]
macro_rules! conformance {
    (harness = $harness:path, areas = [$($area:ident),* $(,)?] $(,)?) => {
        mod conformance {
            async fn __bench() -> $crate::testing::Bench {
                #[allow(unused_imports)]
                use super::*;
                $harness().await
            }
            $($crate::__promises_of! { $area __conformance_tests })*
        }
    };
}

/// Hands the list of an area's promises to the named macro.
#[doc(hidden)]
#[macro_export]
macro_rules! __promises_of {
    (at_once $then:ident) => {
        $crate::__at_once_promises! { $then }
    };
    (identity $then:ident) => {
        $crate::__identity_promises! { $then }
    };
    (security $then:ident) => {
        $crate::__security_promises! { $then }
    };
    (customer $then:ident) => {
        $crate::__customer_promises! { $then }
    };
    (town $then:ident) => {
        $crate::__town_promises! { $then }
    };
    (access $then:ident) => {
        $crate::__access_promises! { $then }
    };
    (store $then:ident) => {
        $crate::__store_promises! { $then }
    };
    (product $then:ident) => {
        $crate::__product_promises! { $then }
    };
    (stock $then:ident) => {
        $crate::__stock_promises! { $then }
    };
    (order $then:ident) => {
        $crate::__order_promises! { $then }
    };
    (payment $then:ident) => {
        $crate::__payment_promises! { $then }
    };
    (system $then:ident) => {
        $crate::__system_promises! { $then }
    };
    (saga $then:ident) => {
        $crate::__saga_promises! { $then }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    ($area:ident $($group:ident [$($promise:ident)*])*) => {
        mod $area {
            $($(
                #[test]
                fn $promise() {
                    $crate::testing::run(async {
                        let bench = super::__bench().await;
                        $crate::testing::conformance::$area::$group::$promise(&bench).await;
                    });
                }
            )*)*
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_names {
    ($area:ident $($group:ident [$($promise:ident)*])*) => {
        &[$($((stringify!($area), stringify!($promise)),)*)*]
    };
}

type Names = &'static [(&'static str, &'static str)];

const AREAS: [Names; 13] = [
    __promises_of! { customer __conformance_names },
    __promises_of! { town __conformance_names },
    __promises_of! { security __conformance_names },
    __promises_of! { at_once __conformance_names },
    __promises_of! { identity __conformance_names },
    __promises_of! { access __conformance_names },
    __promises_of! { store __conformance_names },
    __promises_of! { product __conformance_names },
    __promises_of! { stock __conformance_names },
    __promises_of! { order __conformance_names },
    __promises_of! { payment __conformance_names },
    __promises_of! { system __conformance_names },
    __promises_of! { saga __conformance_names },
];

const COUNT: usize = {
    let (mut count, mut at) = (0, 0);
    while at < AREAS.len() {
        count += AREAS[at].len();
        at += 1;
    }
    count
};

/// Everything that is promised: area and name.
pub const PROMISES: &[(&str, &str)] = &{
    let mut all = [("", ""); COUNT];
    let (mut area, mut to) = (0, 0);
    while area < AREAS.len() {
        let mut at = 0;
        while at < AREAS[area].len() {
            all[to] = AREAS[area][at];
            at += 1;
            to += 1;
        }
        area += 1;
    }
    all
};

#[cfg(test)]
mod tests {
    use super::PROMISES;
    use std::collections::BTreeSet;
    use std::path::Path;

    /// A promise that no list names would never be checked.
    #[test]
    fn every_promise_is_listed_once() {
        let mut written = BTreeSet::new();
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/testing/conformance");
        let areas: BTreeSet<_> = PROMISES.iter().map(|(area, _)| *area).collect();
        for area in areas {
            for file in std::fs::read_dir(here.join(area)).unwrap() {
                let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
                for line in text.lines().filter_map(|line| line.strip_prefix("pub async fn ")) {
                    let name = line.split('(').next().unwrap().to_owned();
                    assert!(written.insert((area.to_owned(), name)), "{line} twice in {area}");
                }
            }
        }
        let listed: BTreeSet<_> =
            PROMISES.iter().map(|(area, name)| ((*area).to_owned(), (*name).to_owned())).collect();
        assert_eq!(listed.len(), PROMISES.len());
        assert_eq!(listed, written);
    }
}
