//! An exhaustive check of the order protocol: reserve, insert, commit or pay, undo, recover, and the
//! effects of cancelling, editing and handing out.
//!
//! What is checked here is the protocol, as a small model of it, and not the services' code: who
//! calls what in which order, on what condition each write depends, and what is concluded from an
//! answer. A change to the protocol is made here first.
//!
//! # The model
//! - One key, one product. Three sorts of record, reservation, order and payment ([`record`]), and no
//!   write covers two of them ([`store`]; [`reservations`], [`orders`], [`payments`]).
//! - Actors take turns, one port call at a time, in every order ([`place`], [`row`], [`booking`],
//!   [`effects`], [`edit`], [`people`], [`gateway`], [`recover`]).
//! - A call may stay without an answer. It then lands at once, at any later time, or never ([`turn`]).
//! - Holds fall due at any time, all together.
//! - Anybody may stop for ever anywhere. Every state is taken as the one in which *everybody* stopped:
//!   recovery runs alone until it has nothing left to do, a caller tries once more, and the
//!   invariants are looked at ([`crash`], [`invariant`]).
//!
//! `holds.rs` explores each set-up to its end; `broken.rs` leaves out one rule at a time and finds
//! what then goes wrong. `cargo test protocol -- --nocapture` prints sizes and counterexamples.
//!
//! Not modelled: several products in one order, returns and failed deliveries, batches, edits that
//! add units, and a body that differs under the same key.
//!
//! # Why an explorer of our own
//! Model checkers such as stateright ask for a predicate on a state. Ours is a run: of recovery and a
//! retry, once for each distinct store and not for each of the many states that share it. The calls
//! under way have to be thinned out by rules of this protocol, with a proof that this was right
//! ([`spent`]). And a workspace should not carry a server and a web page for it. What is left is a
//! breadth-first search of forty lines ([`explore`]) over numbered things ([`interner`], [`world`]).

mod actor;
mod booking;
mod broken;
mod crash;
mod edit;
mod effects;
mod explore;
mod gateway;
mod holds;
mod interner;
mod invariant;
mod mutation;
mod orders;
mod payments;
mod people;
mod place;
mod record;
mod recover;
mod reservations;
mod row;
mod setup;
mod setups;
mod spent;
mod state;
mod store;
mod trace;
mod turn;
mod world;
