//! A sender of codes for development.

use async_trait::async_trait;

use super::{OtpPurpose, OtpSender, SendError};
use crate::contact::Phone;

/// Prints codes to standard error, where a developer reads them. Never for production: whoever
/// sees the output can sign in as anybody.
#[derive(Debug, Clone, Copy, Default)]
pub struct ConsoleOtpSender;

#[async_trait]
impl OtpSender for ConsoleOtpSender {
    async fn send(&self, phone: &Phone, code: &str, purpose: OtpPurpose) -> Result<(), SendError> {
        eprintln!("one-time code for {purpose} to {phone:?}: {code}");
        Ok(())
    }
}
