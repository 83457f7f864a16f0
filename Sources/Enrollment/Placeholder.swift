enum EnrollmentPlaceholder {}
