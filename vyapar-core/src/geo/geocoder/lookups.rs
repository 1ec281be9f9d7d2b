//! Answers already given: a bounded memory of look-ups, and one call for many who ask the same.

use std::collections::{HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::TimeDelta;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};

use super::{GeocodeError, GeocodeHit, GeocodeQuery, Geocoder};
use crate::env::Env;
use crate::secret::Blind;
use crate::time::Timestamp;

/// Most answers remembered; beyond that the oldest is forgotten.
const MOST: usize = 10_000;
/// How long a point is remembered. Towns do not move, but the Google Maps platform's terms allow
/// keeping a point for 30 days and no longer.
const FOUND_KEPT: TimeDelta = TimeDelta::days(30);
/// How long "not known" is remembered: maps do get better.
const UNKNOWN_KEPT: TimeDelta = TimeDelta::days(1);

type Answer = Result<Option<GeocodeHit>, GeocodeError>;
type Call = BoxFuture<'static, Answer>;

/// A geocoder with a memory, for PIN codes and landmarks. Texts that people typed are remembered
/// as keyed hashes only.
#[derive(Clone)]
pub(crate) struct Lookups {
    geocoder: Arc<dyn Geocoder>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    known: HashMap<Blind, (Option<GeocodeHit>, Timestamp)>,
    /// The keys of `known`, the oldest answer first.
    order: VecDeque<Blind>,
    /// Calls under way. Only who waits for one keeps it alive: a call that everybody has turned
    /// away from is not taken up again, because its connection may be long dead.
    running: HashMap<Blind, WeakShared<Call>>,
}

impl Lookups {
    pub(crate) fn new(geocoder: Arc<dyn Geocoder>) -> Self {
        Self { geocoder, state: Arc::default() }
    }

    /// Asks the geocoder itself: for addresses, which nobody asks for twice.
    pub(crate) async fn ask(&self, query: &GeocodeQuery) -> Answer {
        self.geocoder.locate(query).await
    }

    /// Where that is: as remembered, as whoever asks just now will hear, or from the geocoder.
    /// Failures are not remembered, and a geocoder that panics has failed.
    pub(crate) async fn locate(&self, env: &Env, query: GeocodeQuery) -> Answer {
        let key = key(env, &query);
        let call = {
            let now = env.now();
            let mut state = lock(&self.state);
            state.forget(now);
            if let Some((hit, until)) = state.known.get(&key)
                && *until > now
            {
                return Ok(*hit);
            }
            match state.running.get(&key).and_then(WeakShared::upgrade) {
                Some(call) => call,
                None => {
                    let call = self.call(env.clone(), key, query);
                    state.running.retain(|_, call| call.upgrade().is_some());
                    if let Some(weak) = call.downgrade() {
                        state.running.insert(key, weak);
                    }
                    call
                }
            }
        };
        call.await
    }

    fn call(&self, env: Env, key: Blind, query: GeocodeQuery) -> Shared<Call> {
        let Self { geocoder, state } = self.clone();
        let call = async move {
            // A panic would reach one of those who wait and leave the others waiting for ever.
            let answer = AssertUnwindSafe(geocoder.locate(&query)).catch_unwind().await;
            let answer = answer.unwrap_or(Err(GeocodeError::Unavailable));
            let mut state = lock(&state);
            state.running.remove(&key);
            if let Ok(hit) = answer {
                let kept = if hit.is_some() { FOUND_KEPT } else { UNKNOWN_KEPT };
                state.remember(key, hit, env.now() + kept);
            }
            answer
        };
        call.boxed().shared()
    }
}

impl State {
    /// Forgets points whose time is over. Of answers kept equally long the oldest is first, so none
    /// of them waits behind a younger one; an unknown place behind a point may, which harms nobody.
    fn forget(&mut self, now: Timestamp) {
        while let Some(oldest) = self.order.front()
            && self.known.get(oldest).is_none_or(|(_, until)| *until <= now)
        {
            self.known.remove(oldest);
            self.order.pop_front();
        }
    }

    fn remember(&mut self, key: Blind, hit: Option<GeocodeHit>, until: Timestamp) {
        if self.known.insert(key, (hit, until)).is_some() {
            self.order.retain(|known| *known != key);
        }
        self.order.push_back(key);
        while self.order.len() > MOST {
            if let Some(oldest) = self.order.pop_front() {
                self.known.remove(&oldest);
            }
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // No code panics while it holds the lock, and every state it can be left in is a whole one.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a query is remembered under. Case, and how many spaces there are, makes no difference.
fn key(env: &Env, query: &GeocodeQuery) -> Blind {
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let state = |state: &Option<crate::india::StateCode>| state.as_ref().map_or("", |state| state.as_str()).to_owned();
    let parts: [String; 5] = match query {
        GeocodeQuery::Pin(pin) => ["pin", pin.as_str(), "", "", ""].map(str::to_owned),
        GeocodeQuery::Place(place) => {
            let city = place.city.as_deref().map(plain).unwrap_or_default();
            ["place".to_owned(), plain(place.text.as_str()), city, state(&place.state), String::new()]
        }
        GeocodeQuery::Address(address) => [
            "address".to_owned(),
            plain(address.street.as_str()),
            plain(&address.city),
            state(&address.state),
            address.pincode.as_str().to_owned(),
        ],
    };
    env.mac("geocode", &parts.each_ref().map(String::as_bytes))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::geo::Coordinates;
    use crate::geo::geocoder::{GeocodePrecision, PlaceQuery};
    use crate::time::Clock;

    struct At(Mutex<Timestamp>);
    impl Clock for At {
        fn now(&self) -> Timestamp {
            *self.0.lock().unwrap()
        }
    }

    /// Answers once it was polled twice; fails as long as it is told to.
    #[derive(Default)]
    struct Slow {
        calls: AtomicUsize,
        fail: Mutex<Option<GeocodeError>>,
        unknown: Mutex<bool>,
    }

    #[async_trait::async_trait]
    impl Geocoder for Slow {
        async fn locate(&self, _: &GeocodeQuery) -> Answer {
            self.calls.fetch_add(1, Ordering::SeqCst);
            let mut polled = false;
            futures_util::future::poll_fn(|context| {
                if polled {
                    return std::task::Poll::Ready(());
                }
                polled = true;
                context.waker().wake_by_ref();
                std::task::Poll::Pending
            })
            .await;
            if let Some(error) = *self.fail.lock().unwrap() {
                return Err(error);
            }
            let coordinates = Coordinates::new(25.6, 85.1).unwrap();
            let hit = GeocodeHit { coordinates, precision: GeocodePrecision::Centre, partial: false };
            Ok((!*self.unknown.lock().unwrap()).then_some(hit))
        }
    }

    fn setting() -> (Arc<Slow>, Arc<At>, Env, Lookups) {
        let (slow, clock) = (Arc::new(Slow::default()), Arc::new(At(Mutex::new(Timestamp::UNIX_EPOCH))));
        let key = crate::secret::SecretKey::new([1; 32]);
        let ring = Arc::new(crate::secret::KeyRing::new(1, &key, &key));
        let env = Env::new(clock.clone(), Arc::new(crate::env::SystemEntropy), ring);
        (slow.clone(), clock, env, Lookups::new(slow))
    }

    fn place(text: &str) -> GeocodeQuery {
        let text = crate::contact::PersonalText::parse("place", text, 200).unwrap();
        GeocodeQuery::Place(PlaceQuery { text, city: Some("Patna".to_owned()), state: None })
    }

    fn block<T>(future: impl Future<Output = T>) -> T {
        futures_util::FutureExt::now_or_never(async {
            let mut future = std::pin::pin!(future);
            // `Slow` asks to be polled at once; a handful of polls ends every call here.
            for _ in 0..50 {
                if let Some(value) = futures_util::FutureExt::now_or_never(future.as_mut()) {
                    return Some(value);
                }
            }
            None
        })
        .flatten()
        .expect("an answer")
    }

    #[test]
    fn who_asks_the_same_at_once_makes_one_call() {
        let (slow, _, env, lookups) = setting();
        let asked =
            ["Gandhi Maidan", "gandhi  maidan", " GANDHI MAIDAN "].map(|text| lookups.locate(&env, place(text)));
        let answers = block(futures_util::future::join_all(asked));
        assert!(answers.iter().all(|answer| matches!(answer, Ok(Some(_)))));
        assert_eq!(slow.calls.load(Ordering::SeqCst), 1);
        block(lookups.locate(&env, place("Golghar"))).unwrap();
        assert_eq!(slow.calls.load(Ordering::SeqCst), 2, "another place is another call");
        assert!(lookups.state.lock().unwrap().running.is_empty());
    }

    #[test]
    fn answers_are_remembered_for_their_time_and_failures_not_at_all() {
        let (slow, clock, env, lookups) = setting();
        let ask = || block(lookups.locate(&env, place("Golghar")));
        *slow.fail.lock().unwrap() = Some(GeocodeError::Unavailable);
        assert_eq!(ask(), Err(GeocodeError::Unavailable));
        *slow.fail.lock().unwrap() = None;
        *slow.unknown.lock().unwrap() = true;
        assert_eq!((ask(), ask()), (Ok(None), Ok(None)));
        assert_eq!(slow.calls.load(Ordering::SeqCst), 2);
        *clock.0.lock().unwrap() += TimeDelta::days(1);
        *slow.unknown.lock().unwrap() = false;
        assert!(ask().unwrap().is_some(), "asked again after a day");
        *clock.0.lock().unwrap() += TimeDelta::days(30) - TimeDelta::seconds(1);
        ask().unwrap();
        assert_eq!(slow.calls.load(Ordering::SeqCst), 3);
        *clock.0.lock().unwrap() += TimeDelta::seconds(1);
        ask().unwrap();
        assert_eq!(slow.calls.load(Ordering::SeqCst), 4);
    }

    #[test]
    fn a_call_that_everybody_left_is_not_taken_up_again() {
        let (slow, _, env, lookups) = setting();
        {
            let mut left = std::pin::pin!(lookups.locate(&env, place("Golghar")));
            assert!(futures_util::FutureExt::now_or_never(left.as_mut()).is_none());
        }
        assert!(block(lookups.locate(&env, place("Golghar"))).unwrap().is_some());
        assert_eq!(slow.calls.load(Ordering::SeqCst), 2);
    }

    /// The Google Maps platform's terms: 30 days and no longer, whether or not anybody asks again.
    #[test]
    fn no_point_stays_in_memory_beyond_its_time() {
        let (_, clock, env, lookups) = setting();
        block(lookups.locate(&env, place("Golghar"))).unwrap();
        *clock.0.lock().unwrap() += TimeDelta::days(29);
        block(lookups.locate(&env, place("Gandhi Maidan"))).unwrap();
        *clock.0.lock().unwrap() += TimeDelta::days(1);
        block(lookups.locate(&env, place("Gandhi Maidan"))).unwrap();
        let state = lookups.state.lock().unwrap();
        assert_eq!((state.known.len(), state.order.len()), (1, 1));
    }

    /// Panics at its first call, once others wait for it.
    #[derive(Default)]
    struct Broken(Slow);

    #[async_trait::async_trait]
    impl Geocoder for Broken {
        async fn locate(&self, query: &GeocodeQuery) -> Answer {
            let answer = self.0.locate(query).await;
            assert!(self.0.calls.load(Ordering::SeqCst) > 1, "a geocoder that panics");
            answer
        }
    }

    #[test]
    fn a_geocoder_that_panics_leaves_nobody_waiting() {
        let (_, _, env, _) = setting();
        let lookups = Lookups::new(Arc::new(Broken::default()));
        let asked = ["Golghar", "golghar"].map(|text| lookups.locate(&env, place(text)));
        let answers = block(futures_util::future::join_all(asked));
        assert_eq!(answers, [Err(GeocodeError::Unavailable), Err(GeocodeError::Unavailable)]);
        assert!(block(lookups.locate(&env, place("Golghar"))).unwrap().is_some(), "asked again");
    }

    #[test]
    fn the_memory_is_bounded() {
        let mut state = State::default();
        let (_, _, env, _) = setting();
        for n in 0..MOST + 5 {
            state.remember(env.mac("n", &[&n.to_be_bytes()]), None, Timestamp::UNIX_EPOCH);
        }
        assert_eq!((state.known.len(), state.order.len()), (MOST, MOST));
        assert!(!state.known.contains_key(&env.mac("n", &[&0_usize.to_be_bytes()])));
    }
}
