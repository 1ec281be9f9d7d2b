//! Who someone is: accounts (`users`), one-time codes (`otp_verifications`), sessions.
//!
//! An account gives no rights: those follow from `access` and from memberships in stores.

mod attempts;
mod error;
mod login;
mod otp;
mod password;
mod ports;
mod sender;
mod service;
mod session;
pub(crate) mod token;
mod user;

pub use attempts::{FIRST_LOCK, FORGOTTEN_AFTER, FREE_FAILURES, LONGEST_LOCK, LoginAttempts};
pub use error::IdentityError;
pub use login::{LinkToSend, Login, NewUser, ProfileChange, SignedIn, UserProfile};
pub use otp::{
    CODE_KEPT, CODE_VALID, MAX_SENDS, MAX_TRIES, Otp, OtpBook, OtpLimit, OtpPurpose, OtpTries, RESEND_AFTER,
    SEND_WINDOW,
};
pub use password::{Bcrypt, MAX_PASSWORD_BYTES, MIN_PASSWORD, Password, PasswordError};
pub use ports::{
    HashError, IdentityPorts, LoginAttemptRepository, OtpRepository, OtpSender, PasswordHasher, SendError,
    SessionRepository, StartOutcome, UserFilter, UserRepository,
};
#[cfg(feature = "testing")]
pub use ports::{
    MockLoginAttemptRepository, MockOtpRepository, MockOtpSender, MockPasswordHasher, MockSessionRepository,
    MockUserRepository,
};
pub use sender::ConsoleOtpSender;
pub use service::IdentityService;
pub use session::Session;
pub use token::Token;
pub use user::{AccountKind, ContactKind, EmailLink, MAX_LOOKUPS, PasswordHash, SealedContact, User};
